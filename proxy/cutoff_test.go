package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// What was cut off must not look finished, to nobody: an end in order, the last
// chunk, another answer behind half a one.

// reset reads to the end of the connection, which must be one.
func (p *peer) reset() []byte {
	p.t.Helper()
	rest, err := io.ReadAll(p.br)
	if !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("the connection ended with %v behind %d bytes", err, len(rest))
	}
	return rest
}

// endless is an upstream whose answers do not end, in the framing that head says.
func endless(t *testing.T, head, piece string) *upstream {
	return listen(t, func(u *upstream, p *peer) {
		if _, _, ok := u.request(p); ok {
			p.send(head)
			flood(p, piece)
		}
	})
}

var piece = strings.Repeat("x", 16<<10)

func TestCutOff_NothingFollowsAnAnswerThatItsClientDidNotTake(t *testing.T) {
	f := func(name, head, piece, version string, wrap func(string, net.Conn) (net.Conn, error)) {
		t.Run(name, func(t *testing.T) {
			up := endless(t, head, piece)
			r := newRigWith(t, Options{Wrap: wrap}, func(c *config.Config) { c.Server.Timeouts.ResponseWriteIdle = config.Duration(200 * time.Millisecond) }, up.addr)
			c := r.dial()
			ask := "GET / HTTP/1." + version + "\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
			c.send(ask + ask)
			c.head()
			r.loggedEnd("client-timeout", 200)
			got, err := io.ReadAll(c.br)
			if bytes.Contains(got, []byte("HTTP/1.1 ")) || up.requests() != 1 {
				t.Errorf("%d requests were passed on; the client got another answer inside the first", up.requests())
			}
			if bytes.HasSuffix(got, []byte("0\r\n\r\n")) || version == "0" && err == nil || isTimeout(err) {
				t.Errorf("%v behind %d bytes: looks finished", err, len(got))
			}
			r.idle()
		})
	}
	f("length, moved by the kernel", bigHead, piece, "1", nil)
	f("length, copied", bigHead, piece, "1", func(_ string, nc net.Conn) (net.Conn, error) { return &bursting{nc}, nil })
	f("chunks", okChunked, "4000\r\n"+piece+"\r\n", "1", nil)
	f("end of the connection", okHead+"\r\n", piece, "0", nil)
}

// An informational answer that its client did not take whole is the last thing it gets.
func TestCutOff_NothingFollowsHalfAnInformationalAnswer(t *testing.T) {
	hint := "HTTP/1.1 103 Early Hints\r\nLink: <" + strings.Repeat("/a", 8<<10) + ">\r\n\r\n"
	up := listen(t, func(u *upstream, p *peer) {
		for {
			if _, _, ok := u.request(p); !ok {
				return
			}
			for range 20 {
				p.send(hint)
			}
			p.send(plain("end"))
		}
	})
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.ResponseWriteIdle = config.Duration(100 * time.Millisecond) }, up.addr)
	c := r.dial()
	go func() { // until the connection ends
		for {
			if _, err := io.WriteString(c.nc, get); err != nil {
				return
			}
		}
	}()
	r.logged(func(l map[string]any) bool { return l["end"] == "client-timeout" })
	for {
		switch line, err := c.br.ReadString('\n'); {
		case err != nil:
			return // in the middle of what was given up
		case strings.Contains(line[1:], "HTTP/1.1 "):
			t.Fatalf("an answer began in the middle of a line: %.100q", line[strings.Index(line[1:], "HTTP/1.1 "):])
		}
	}
}

func TestCutOff_ADrainResetsWhatHasNoOtherEnd(t *testing.T) {
	f := func(name string, script func(p *peer), client func(c *peer), edit func(*config.Config), both bool) {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			up := listen(t, func(u *upstream, p *peer) {
				script(p)
				_, err := io.Copy(io.Discard, p.br)
				ended <- err
			})
			r := newRig(t, func(c *config.Config) {
				c.Server.Timeouts.Drain = config.Duration(100 * time.Millisecond)
				edit(c)
			}, up.addr)
			c := r.dial()
			client(c)
			r.stop()
			<-r.done
			c.reset()
			if err := <-ended; both && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the upstream's connection ended with %v", err)
			}
			if n := r.server.Cut(); n != 1 {
				t.Errorf("%d cut", n)
			}
		})
	}
	asIs := func(*config.Config) {}
	f("tunnel", func(p *peer) { p.head(); p.send(switched + "some") }, func(c *peer) { c.send(upgrade); c.head(); c.expect("some") }, asIs, true)
	f("relay", func(p *peer) { p.expect("x"); p.send("some") }, func(c *peer) { c.send("x"); c.expect("some") }, tcpOnly, true)
	f("answer that ends with the connection", func(p *peer) { p.head(); p.send(okHead + "\r\nsome") },
		func(c *peer) { c.send("GET / HTTP/1.0\r\n\r\n"); c.head(); c.expect("some") }, asIs, false)
	f("such an answer that is not taken", func(p *peer) { p.head(); p.send(okHead + "\r\n"); flood(p, piece) },
		func(c *peer) { c.send("GET / HTTP/1.0\r\n\r\n"); c.head() }, asIs, false)
}

// A direction of a junction may wait for the upstream alone, which need not care
// that the time of a drain is over.
func TestCutOff_ADrainDoesNotWaitForAnUpstream(t *testing.T) {
	f := func(name string, open func(c *peer), script func(p *peer), edit func(*config.Config)) {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			defer close(over)
			up := listen(t, func(u *upstream, p *peer) {
				script(p)
				<-over
			})
			r := newRig(t, func(c *config.Config) {
				c.Server.Timeouts.Drain = config.Duration(100 * time.Millisecond)
				edit(c)
			}, up.addr)
			c := r.dial()
			open(c)
			r.eventually("a connection upstream", func() bool { return inFlight(r) == 1 }, nil)
			r.stop()
			select {
			case <-r.done:
			case <-time.After(patience):
				t.Error("the drain goes on")
			}
			if n := r.server.Cut(); n != 1 {
				t.Errorf("%d cut", n)
			}
		})
	}
	upgraded := func(c *peer) { c.send(upgrade); c.head() }
	upgrades := func(p *peer) { p.head(); p.send(switched) }
	asIs := func(*config.Config) {}
	half := func(c *peer) { // the upstream is told before the drain begins
		c.closeWrite()
		c.expect("told")
	}
	tell := func(p *peer) {
		toldAtEnd(p)
		p.send("told")
	}
	stuck := func(c *peer) { // until the kernel has taken all that it takes
		_ = c.nc.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		flood(c, piece)
	}
	f("relay, only the upstream may still speak", func(c *peer) { c.send("x"); half(c) }, tell, tcpOnly)
	f("tunnel, only the upstream may still speak", func(c *peer) { upgraded(c); half(c) }, func(p *peer) { upgrades(p); tell(p) }, asIs)
	f("relay, the upstream takes nothing", stuck, func(*peer) {}, tcpOnly)
	f("tunnel, the upstream takes nothing", func(c *peer) { upgraded(c); stuck(c) }, upgrades, asIs)
}

// polite is a connection that says when it ends in order, as TLS does.
type polite struct{ net.Conn }

func (p *polite) Close() error {
	_, _ = io.WriteString(p.Conn, "goodbye")
	return p.Conn.Close()
}

func TestCutOff_WhatWrapsASocketSaysGoodbyeOnlyInOrder(t *testing.T) {
	wrap := Options{Wrap: func(_ string, nc net.Conn) (net.Conn, error) { return &polite{nc}, nil }}
	f := func(name, rest string, script func(p *peer), client func(c *peer), edit func(*config.Config)) {
		t.Run(name, func(t *testing.T) {
			up := listen(t, func(u *upstream, p *peer) {
				script(p)
				_ = p.nc.(*net.TCPConn).SetLinger(0)
			})
			r := newRigWith(t, wrap, edit, up.addr)
			c := r.dial()
			client(c)
			got, err := io.ReadAll(c.br)
			if string(got) != rest || (rest == "") != errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("ended with %q, %v", got, err)
			}
		})
	}
	f("relay in order", "goodbye", func(p *peer) { p.expect("x"); p.closeWrite(); toldAtEnd(p) }, func(c *peer) { c.send("x"); c.closeWrite() }, tcpOnly)
	f("relay that is broken", "", func(p *peer) { p.expect("x") }, func(c *peer) { c.send("x") }, tcpOnly)
	told := make(chan struct{})
	f("answer that ends with the connection", "", func(p *peer) { p.head(); p.send(okHead + "\r\nsome"); <-told },
		func(c *peer) { c.send("GET / HTTP/1.0\r\n\r\n"); c.head(); c.expect("some"); close(told) }, nil)

	r := newRigWith(t, wrap, func(c *config.Config) { tcpOnly(c); c.Pools["app"].Retry.Backoff.Initial = 1 }, closedAddress(t))
	if got := r.refused(); len(got) > 0 {
		t.Errorf("a relay without an upstream ended with %q", got)
	}
}

// clogged is a connection that takes half of the first thing that is written to it.
type clogged struct {
	net.Conn
	full, ended atomic.Bool
}

func (c *clogged) Write(p []byte) (int, error) {
	if c.full.Swap(true) {
		return 0, os.ErrDeadlineExceeded
	}
	n, _ := c.Conn.Write(p[:len(p)/2])
	return n, os.ErrDeadlineExceeded
}

func (c *clogged) CloseWrite() error {
	c.ended.Store(true)
	return nil
}

func TestCutOff_HalfARefusalIsNotFollowedByAnEndInOrder(t *testing.T) {
	made := new(clogged)
	r := newRigWith(t, Options{Wrap: func(_ string, nc net.Conn) (net.Conn, error) {
		made.Conn = nc
		return made, nil
	}}, nil, closedAddress(t))
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n")
	if got, err := io.ReadAll(c.br); !bytes.HasPrefix(got, []byte("HTTP/1.1 400 ")) || isTimeout(err) {
		t.Errorf("got %q, %v", got, err)
	}
	if made.ended.Load() {
		t.Error("the end looked like one in order, and was waited for")
	}
}

// What a side does not take is lost with the junction. The other direction, which may
// look at the same moment, is not to see a silence in that and end it in order.
func TestJunction_ASideThatTakesNothingIsNotASilentOne(t *testing.T) {
	f := func(early, late string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			client, clientEnd := net.Pipe() // which takes nothing
			upstream, upstreamEnd := net.Pipe()
			j := junction{conn: &conn{socket: client, nc: client}, upstream: upstream, idle: time.Hour, server: &Server{born: time.Now()}}
			go func() { _, _ = io.WriteString(upstreamEnd, late) }()
			if err := j.copy(client, upstream, &j.down, &j.up, []byte(early)); !isTimeout(err) {
				t.Error(err)
			}
			if took := time.Since(j.server.born); took != 2*j.idle {
				t.Errorf("it took %s", took)
			}
			j.up.ended(0, j.clock())
			if j.up.silentWith(&j.down, j.idle) {
				t.Error("taken for silent")
			}
			_, _ = clientEnd.Close(), upstreamEnd.Close()
		})
	}
	f("came with the answer", "")
	f("", "came later")
}

// bursting is a connection that panics when a certain word is written to it.
type bursting struct{ net.Conn }

func (b *bursting) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("boom")) {
		panic("on purpose")
	}
	return b.Conn.Write(p)
}

func TestCutOff_APanicResetsWhatHasNoOtherEnd(t *testing.T) {
	burst := func(_ string, nc net.Conn) (net.Conn, error) { return &bursting{nc}, nil }
	explode := func(_ string, nc net.Conn) (net.Conn, error) { return &explosive{nc}, nil }
	f := func(name string, wrap func(string, net.Conn) (net.Conn, error), script func(p *peer), client func(c *peer), edit func(*config.Config), both bool) {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			up := listen(t, func(u *upstream, p *peer) {
				script(p)
				_, err := io.Copy(io.Discard, p.br)
				ended <- err
			})
			bus := event.NewBus(10)
			r := newRigWith(t, Options{Bus: bus, Wrap: wrap}, edit, up.addr)
			c := r.dial()
			client(c)
			c.reset()
			if err := <-ended; both && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the upstream's connection ended with %v", err)
			}
			r.idle()
			if e := bus.Recent(); len(e) != 1 || e[0].Kind != event.Internal {
				t.Errorf("events %v", e)
			}
		})
	}
	asIs := func(*config.Config) {}
	f("relay, up", explode, func(*peer) {}, func(c *peer) { c.send("boom") }, tcpOnly, true)
	f("relay, down", burst, func(p *peer) { p.expect("x"); p.send("boom") }, func(c *peer) { c.send("x") }, tcpOnly, true)
	f("tunnel, up", explode, func(p *peer) { p.head(); p.send(switched) }, func(c *peer) { c.send(upgrade); c.head(); c.send("boom") }, asIs, true)
	f("tunnel, down", burst, func(p *peer) { p.head(); p.send(switched); p.expect("x"); p.send("boom") },
		func(c *peer) { c.send(upgrade); c.head(); c.send("x") }, asIs, true)
	told := make(chan struct{})
	f("answer that ends with the connection", burst, func(p *peer) { p.head(); p.send(okHead + "\r\nsome"); <-told; p.send("boom") },
		func(c *peer) { c.send("GET / HTTP/1.0\r\n\r\n"); c.head(); c.expect("some"); close(told) }, asIs, false)
}

// An upstream that got half a body, because the client broke off in it, may well
// end its answer there. Where that end is the connection's, nobody knows.
func TestCutOff_AnAnswerToHalfABodyIsNotWhole(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		p.send(okHead + "\r\nsome")
		toldAtEnd(p)
	})
	f := func(end, rest string, edit func(*config.Config)) {
		t.Helper()
		r := newRig(t, edit, up.addr)
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
		c.head()
		c.expect("4\r\nsome\r\n")
		c.send(rest)
		c.end()
		r.loggedEnd(end, 200)
		r.idle()
		if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
			t.Error("the upstream is blamed")
		}
	}
	f("bad-request", "z\r\n", nil)
	f("client-timeout", "", func(c *config.Config) { c.Server.Timeouts.RequestBodyIdle = config.Duration(100 * time.Millisecond) })
}

// refused expects that a connection ends with a reset before the client sends anything,
// and returns what came before that. It may be so soon that it is connecting which fails.
func (r *rig) refused() []byte {
	r.t.Helper()
	a := r.server.Address("web")
	nc, err := net.Dial(a.Network(), a.String())
	if err == nil {
		return newPeer(r.t, nc).reset()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		r.t.Error(err)
	}
	return nil
}

// A client of a tcp listener that is turned away is not told of an empty answer.
func TestCutOff_AConnectionTooManyIsReset(t *testing.T) {
	r := newRig(t, func(c *config.Config) { tcpOnly(c); c.Server.Limits.Connections = 1 }, reversing(t).addr)
	first := r.dial()
	r.eventually("a connection upstream", func() bool { return inFlight(r) == 1 }, nil)
	r.refused()
	r.results("connections", 1)
	first.send("x")
	first.closeWrite()
	first.expect("<x>")
	first.end()
}
