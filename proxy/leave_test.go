package proxy

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// leaving is a moment at which a client goes away.
type leaving struct {
	name    string
	edit    func(*config.Config)
	script  func(u *upstream, p *peer) // ends when the upstream was told
	prepare func(r *rig)
	ask     func(c *peer)                  // brings the request to the moment
	there   func(r *rig, u *upstream) bool // it is there
	status  int
}

// toldAtEnd reads what comes until the end of the connection.
func toldAtEnd(p *peer) { _, _ = io.Copy(io.Discard, p.br) }

func inHand(r *rig, _ *upstream) bool { return inFlight(r) == 1 }
func waiting(r *rig, _ *upstream) bool {
	return r.pools["app"].QueueLength() == 1
}

const bigHead = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"

// flood sends without end until the other side goes.
func flood(p *peer, piece string) {
	for {
		if _, err := io.WriteString(p.nc, piece); err != nil {
			return
		}
	}
}

var leavings = []leaving{
	{name: "in the queue, for a worker to come",
		prepare: func(r *rig) {
			r.pools["app"].SetDrained(r.pools["app"].All()[0].ID, true)
			r.pools["app"].SetExpecting(true)
		},
		ask: func(c *peer) { c.send(get) }, there: waiting, status: 499},
	{name: "in the queue, with a body that comes",
		prepare: func(r *rig) {
			r.pools["app"].SetDrained(r.pools["app"].All()[0].ID, true)
			r.pools["app"].SetExpecting(true)
		},
		ask: func(c *peer) { c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsome") }, there: waiting, status: 499},
	{name: "while the upstream thinks",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(get) }, there: inHand, status: 499},
	{name: "with others pipelined behind",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(get + get + get) }, there: inHand, status: 499},
	{name: "while it waits for a switch",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(upgrade + "early") }, there: inHand, status: 499},
	{name: "behind half a head",
		script: func(u *upstream, p *peer) { p.head(); p.send("HTTP/1.1 200 OK\r\nX-A: "); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(get) }, there: inHand, status: 499},
	{name: "behind early hints",
		script: func(u *upstream, p *peer) { p.head(); p.send("HTTP/1.1 103 Early Hints\r\n\r\n"); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(get); c.head() }, there: inHand, status: 499},
	{name: "while it waits for 100",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask: func(c *peer) {
			c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
		}, there: inHand, status: 499},
	{name: "with half a body sent",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask:    func(c *peer) { c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsome") }, there: inHand, status: 499},
	{name: "with half a chunk sent",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask:    func(c *peer) { c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nsome") }, there: inHand, status: 499},
	{name: "with the body sent",
		script: func(u *upstream, p *peer) { p.head(); toldAtEnd(p) },
		ask:    func(c *peer) { c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nsome") }, there: inHand, status: 499},
	{name: "while both directions stream",
		script: func(u *upstream, p *peer) { p.head(); p.send(okChunked + "2\r\nhi\r\n"); toldAtEnd(p) },
		ask: func(c *peer) {
			c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
			c.head()
		}, there: inHand, status: 200},
	{name: "while events are quiet",
		script: func(u *upstream, p *peer) { p.head(); p.send(okHead + "\r\ndata: 1\n\n"); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(get); c.head() }, there: inHand, status: 200},
	{name: "while events come",
		script: func(u *upstream, p *peer) {
			p.head()
			p.send(okHead + "\r\n")
			for {
				if _, err := io.WriteString(p.nc, "data: 1\n\n"); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		},
		ask: func(c *peer) { c.send(get); c.head() }, there: inHand, status: 200},
	{name: "while chunks fill all buffers",
		script: func(u *upstream, p *peer) {
			p.head()
			p.send(okChunked)
			flood(p, "4000\r\n"+strings.Repeat("x", 0x4000)+"\r\n")
		},
		ask: func(c *peer) { c.send(get); c.head() }, there: inHand, status: 200},
	{name: "behind the start of a body of known length",
		script: func(u *upstream, p *peer) { p.head(); p.send(bigHead + "some"); toldAtEnd(p) },
		ask:    func(c *peer) { c.send(get); c.head() }, there: inHand, status: 200},
	{name: "while the kernel moves a large body",
		script: func(u *upstream, p *peer) { p.head(); p.send(bigHead); flood(p, strings.Repeat("x", 1<<20)) },
		ask: func(c *peer) {
			c.send(get)
			c.head()
			_, _ = io.CopyN(io.Discard, c.br, 8<<20)
		}, there: inHand, status: 200},
	{name: "while a large body waits for more",
		script: func(u *upstream, p *peer) { p.head(); p.send(bigHead + strings.Repeat("x", 1<<20)); toldAtEnd(p) },
		ask: func(c *peer) {
			c.send(get)
			c.head()
			_, _ = io.CopyN(io.Discard, c.br, 1<<20)
		}, there: inHand, status: 200},
}

// A client that goes away, in whatever phase and whether in order or by a reset,
// ends its request upstream within a second; that is written down as its own
// doing, and nobody is blamed.
func TestLeave_EndsTheRequestWithinASecond(t *testing.T) {
	for _, l := range leavings {
		for _, how := range []string{"close", "reset"} {
			t.Run(l.name+", "+how, func(t *testing.T) {
				t.Parallel()
				var took time.Duration
				for range 3 { // the best of three: the machine may be busy
					if took = l.once(t, how == "reset"); took < time.Second {
						return
					}
				}
				t.Errorf("the upstream was told after %v", took)
			})
		}
	}
}

// once brings a request to the moment, has the client leave, and returns how
// long it took until the request was over.
func (l *leaving) once(t *testing.T, reset bool) time.Duration {
	told := make(chan struct{}, 3)
	up := listen(t, func(u *upstream, p *peer) {
		l.script(u, p)
		told <- struct{}{}
	})
	r := newRig(t, func(c *config.Config) {
		if l.edit != nil {
			l.edit(c)
		}
	}, up.addr)
	if l.prepare != nil {
		l.prepare(r)
	}
	c := r.dial()
	l.ask(c)
	r.eventually("the request to be "+l.name, func() bool { return l.there(r, up) }, nil)
	if reset {
		_ = c.nc.(*net.TCPConn).SetLinger(0)
	}
	from := time.Now()
	c.close()
	if l.script != nil {
		<-told
	}
	r.eventually("the place to be free", func() bool { return inFlight(r) == 0 && r.pools["app"].QueueLength() == 0 }, nil)
	took := time.Since(from)
	r.loggedEnd("client-closed", l.status)
	r.eventually("the request to be counted", func() bool { return r.counter("drover_requests_total", "code", itoa(l.status)) >= 1 }, nil)
	u := r.pools["app"].All()[0]
	if u.ErrorRate() != 0 || u.Ejected() || r.counter("drover_rejected_total")+r.counter("drover_retries_total") != 0 {
		t.Errorf("somebody is blamed: error rate %v, ejected %v", u.ErrorRate(), u.Ejected())
	}
	return took
}

// A client that leaves between two attempts is not served by a third.
func TestLeave_WhileItIsTriedAgain(t *testing.T) {
	bad := crashing(t)
	r := newRig(t, func(c *config.Config) {
		p := c.Pools["app"]
		p.Outlier.Enabled = false
		p.Retry.Backoff.Initial, p.Retry.Backoff.Max = config.Duration(time.Hour), config.Duration(time.Hour)
	}, bad.addr)
	c := r.dial()
	c.send(get)
	r.eventually("the first attempt to fail", func() bool { return r.counter("drover_retries_total") == 1 && inFlight(r) == 0 }, nil)
	c.close()
	r.loggedEnd("client-closed", 499)
	if n := bad.requests(); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

// A client of a tcp listener that leaves the queue frees its place, too.
func TestLeave_TheQueueOfATCPListener(t *testing.T) {
	r := newRig(t, tcpOnly)
	r.pools["app"].SetExpecting(true)
	c := r.dial()
	r.eventually("the connection to queue", func() bool { return r.pools["app"].QueueLength() == 1 }, nil)
	c.close()
	r.results("client-closed", 1)
	if n := r.pools["app"].QueueLength(); n != 0 {
		t.Errorf("%d in the queue", n)
	}
}

func TestLeave_OverAUnixSocket(t *testing.T) {
	told := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		toldAtEnd(p)
		close(told)
	})
	r := newRig(t, func(c *config.Config) { c.Server.Listeners[0].Address = "unix:" + filepath.Join(t.TempDir(), "s") }, up.addr)
	c := r.dial()
	c.send(get)
	r.eventually("the request upstream", func() bool { return inFlight(r) == 1 }, nil)
	c.close()
	<-told
	r.loggedEnd("client-closed", 499)
	r.idle()
}

// A client that closes its sending half cannot be told from one that has gone.
// It gets an answer that is quick; one that takes longer is not waited for.
func TestLeave_BySendingNoMore(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, body, ok := u.request(p)
			if !ok {
				return
			}
			if strings.Contains(head, " /slow ") {
				toldAtEnd(p)
				return
			}
			p.send(plain("got " + body))
		}
	})
	r := newRig(t, nil, up.addr)
	for _, raw := range []string{
		"GET / HTTP/1.0\r\n\r\n", get, "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	} {
		c := r.dial()
		c.send(raw)
		c.closeWrite()
		want := "got "
		if strings.HasPrefix(raw, "POST") {
			want = "got abc"
		}
		c.want(want)
		c.end()
	}
	c := r.dial()
	c.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	c.closeWrite()
	c.end()
	r.loggedEnd("client-closed", 499)

	// Less of a body than was announced is no request.
	c = r.dial()
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsome")
	c.closeWrite()
	c.end()
	r.idle()
	if u := r.pools["app"].All()[0]; u.State() != pool.Healthy || u.ErrorRate() != 0 {
		t.Error("the upstream is blamed")
	}
}
