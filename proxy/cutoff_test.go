package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
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

// refused expects that a connection ends with a reset before anything is sent; that
// may be so soon that it is connecting which fails.
func (r *rig) refused() {
	r.t.Helper()
	a := r.server.Address("web")
	nc, err := net.Dial(a.Network(), a.String())
	if err == nil {
		newPeer(r.t, nc).reset()
	} else if !errors.Is(err, syscall.ECONNRESET) {
		r.t.Error(err)
	}
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
