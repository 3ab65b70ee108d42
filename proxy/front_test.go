package proxy

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// Each is refused with that status, the connection is closed, and nothing of it
// reaches the upstream.
func TestFront_RefusesOverTheWire(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, func(c *config.Config) { c.Server.Limits.BodyBytes = 1000 }, up.addr)
	f := func(raw string, want int) {
		t.Helper()
		c := r.dial()
		c.send(raw + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
		got := c.reply("GET")
		if got.StatusCode != want {
			t.Errorf("%.200q: %d, want %d", raw, got.StatusCode, want)
		}
		c.end()
		if n := up.requests(); n != 0 {
			t.Fatalf("%.200q: the upstream got %q", raw, up.last())
		}
	}
	post := "POST / HTTP/1.1\r\nHost: h\r\n"
	f(post+"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
	f(post+"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400)
	f(post+"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400)
	f(post+"Content-Length: -1\r\n\r\n", 400)
	f(post+"Content-Length: 1 \x0b\r\n\r\n", 400)
	f(post+"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400)
	f(post+"Transfer-Encoding: identity\r\n\r\n", 400)
	f(post+"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400)
	f(post+"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400)
	f("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\r\nA: b\x00\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400)
	f("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400)
	f("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405)
	f("GET / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n", 417)
	f("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505)
	f("GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505)
	f("GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505)
	f("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
	f("GET / HTTQ/1.1\r\nHost: h\r\n\r\n", 400)
	f("GET /"+strings.Repeat("a", 40<<10)+" HTTP/1.1\r\nHost: h\r\n\r\n", 414)
	f("GET /"+strings.Repeat("a", 33<<10)+" HTTP/1.1\r\nHost: h\r\n\r\n", 414)
	f("GET / HTTP/1.1\r\nHost: h\r\nA: "+strings.Repeat("a", 40<<10)+"\r\n\r\n", 431)
	f("GET / HTTP/1.1\r\nHost: h\r\nA: "+strings.Repeat("a", 33<<10)+"\r\n\r\n", 431)
	f("GET / HTTP/1.1\r\nHost: h\r\n"+strings.Repeat("A: b\r\n", 100)+"\r\n", 431)
	f(post+"Content-Length: 1001\r\n\r\n", 413)
	r.loggedEnd("too-large", 413)
	r.loggedEnd("bad-request", 505)
}

func TestFront_TakesTheLargestHeadAllowed(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	c := r.dial()
	for range 2 {
		c.send("GET /" + strings.Repeat("a", 20<<10) + " HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("b", 30<<10) + "\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
		for range 2 {
			if got := c.reply("GET"); got.StatusCode != 200 {
				t.Fatalf("%+v", got)
			}
		}
	}
}

// A body that is not what it should be is answered, and never finished upstream.
func TestFront_RefusesBodiesWhileTheyStream(t *testing.T) {
	var complete bool
	up := listen(t, func(u *upstream, p *peer) {
		if _, _, ok := u.request(p); ok {
			complete = true
		}
		p.end()
	})
	r := newRig(t, func(c *config.Config) { c.Server.Limits.BodyBytes = 10_000 }, up.addr)
	f := func(name, chunks string, want int) {
		t.Helper()
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
		if got := c.reply("POST"); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", name, got.StatusCode, want)
		}
		c.closeWrite()
		c.end()
	}
	f("too large", "2711\r\n"+strings.Repeat("a", 10_001)+"\r\n0\r\n\r\n", 413)
	f("no digits", "x\r\n", 400)
	f("bare LF", "1\na\r\n0\r\n\r\n", 400)
	f("bare LF after the data", "1\r\na\n0\r\n\r\n", 400)
	f("data longer than its size", "1\r\nab\r\n0\r\n\r\n", 400)
	f("sign", "+1\r\na\r\n0\r\n\r\n", 400)
	f("prefix", "0x1\r\na\r\n0\r\n\r\n", 400)
	f("blank", "1 \r\na\r\n0\r\n\r\n", 400)
	f("overflow", "10000000000000001\r\na\r\n0\r\n\r\n", 400)
	f("bare CR in the extension", "1;a\rb\r\na\r\n0\r\n\r\n", 400)
	f("long extension", "1;"+strings.Repeat("a", 2000)+"\r\na\r\n0\r\n\r\n", 400)
	f("many extensions", strings.Repeat("1;"+strings.Repeat("a", 900)+"\r\na\r\n", 30)+"0\r\n\r\n", 400)
	f("trailer without name", "1\r\na\r\n0\r\n: x\r\n\r\n", 400)
	f("trailer with control byte", "1\r\na\r\n0\r\nA: \x00\r\n\r\n", 400)
	r.idle()
	if complete {
		t.Error("the upstream got one of them as complete")
	}
	for _, u := range r.pools["app"].All() {
		if u.Ejected() || u.ErrorRate() != 0 {
			t.Error("the upstream is blamed")
		}
	}
}

// A body that nobody reads is not the next request, whoever answers: that was
// Pingora 2025-4366. It is passed over when it is there, and ends the connection
// when it is not.
func TestFront_ABodyThatNobodyReadIsNoRequest(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			if _, err := p.br.Peek(1); err != nil {
				return
			}
			head := p.head()
			if strings.Contains(head, " /refused ") {
				p.send("HTTP/1.1 413 \r\nContent-Length: 0\r\n\r\n")
				return
			}
			if !strings.HasPrefix(head, "GET /next ") {
				t.Errorf("the upstream got %s", head)
			}
			p.send(plain("next"))
		}
	})
	r := newRig(t, func(c *config.Config) {
		empty := config.DefaultPool()
		empty.Fallback = config.Fallback{Status: 418}
		c.Pools["empty"] = empty
		c.Server.Listeners[0].Pool = ""
		c.Routes = []config.Route{
			{Match: config.Match{Path: "/next"}, Pool: "app"},
			{Match: config.Match{Path: "/refused"}, Pool: "app"},
			{Match: config.Match{Path: "/instead"}, Pool: "empty"},
		}
	}, up.addr)
	f := func(path string, status int) {
		t.Helper()
		head := "POST " + path + " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: " + itoa(len(evil)) + "\r\n\r\n"
		c := r.dial()
		c.send(head + evil + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
		if got := c.reply("POST"); got.StatusCode != status {
			t.Errorf("%s: %+v", path, got)
		}
		if got := c.reply("GET"); got.body != "next" {
			t.Errorf("%s, then: %+v", path, got)
		}
		c = r.dial()
		c.send(head)
		if got := c.reply("POST"); got.StatusCode != status || !got.Close {
			t.Errorf("%s: %+v", path, got)
		}
		c.send(evil)
		c.closeWrite()
		c.end()
	}
	f("/refused", 413)
	f("/instead", 418)
	f("/no-route", 404)
}

func TestFront_SlowClientsAreTold(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) { u.request(p) })
	r := newRig(t, func(c *config.Config) {
		c.Server.Timeouts.RequestHeader = config.Duration(80 * time.Millisecond)
		c.Server.Timeouts.RequestBodyIdle = config.Duration(80 * time.Millisecond)
		c.Server.Timeouts.KeepAlive = config.Duration(80 * time.Millisecond)
	}, up.addr)
	if got := r.ask("GET / HTTP/1.1\r\nHost: h\r\n"); got.StatusCode != 408 {
		t.Errorf("slow head: %d", got.StatusCode)
	}
	if got := r.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"); got.StatusCode != 408 {
		t.Errorf("slow body: %d", got.StatusCode)
	}
	r.loggedEnd("client-timeout", 408)
	r.dial().end() // nothing was asked: closed without a word
}

func TestFront_KeepAliveEndsIdleConnections(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.KeepAlive = config.Duration(50 * time.Millisecond) }, up.addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	c.reply("GET")
	c.end()
}

// Go 2024-24791: after a refused Expect the connection was in disorder.
func TestFront_ExpectIsAskedOfTheUpstream(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head := p.head()
			switch {
			case strings.Contains(head, " /no "):
				p.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
				return
			case strings.Contains(head, "\r\nExpect: 100-continue\r\n"):
				p.send("HTTP/1.1 100 Continue\r\n\r\n")
			default:
				t.Errorf("no Expect in %s", head)
			}
			p.expect("hello")
			p.send(plain("done"))
		}
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	for range 2 {
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
		c.expect("HTTP/1.1 100 Continue\r\n\r\n")
		c.send("hello")
		if got := c.reply("POST"); got.body != "done" {
			t.Fatalf("%+v", got)
		}
	}
	c.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if got := c.reply("POST"); got.StatusCode != 401 {
		t.Errorf("%+v", got)
	}
	c.closeWrite()
	c.end() // whether the body would still come is not known
}

func TestFront_PassesInformationalAnswersOn(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			if _, _, ok := u.request(p); !ok {
				return
			}
			p.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: 1\r\n\r\n" + plain("x"))
		}
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	c.expect("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n")
	c = r.dial()
	c.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n")
	c.expect("HTTP/1.1 200 OK\r\n")
}

// An answer that comes while the body still goes up is passed on, and the
// connection ends, because nobody will read the rest.
func TestFront_EarlyAnswerEndsTheUpload(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		p.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
		_, _ = io.Copy(io.Discard, p.br)
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\nsome")
	head := c.head()
	if !strings.HasPrefix(head, "HTTP/1.1 413 ") || !strings.Contains(head, "Connection: close\r\n") {
		t.Errorf("head %s", head)
	}
	c.expect("no")
	c.closeWrite()
	c.end()
	r.idle()
}

// Both directions of one exchange at once: what goes up comes down meanwhile.
func TestFront_StreamsBothWaysAtOnce(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			p.expect("2\r\nhi\r\n")
			p.send("3\r\nyo!\r\n")
		}
		p.expect("0\r\n\r\n")
		p.send("0\r\n\r\n")
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	c.head()
	for range 3 {
		c.send("2\r\nhi\r\n")
		c.expect("3\r\nyo!\r\n")
	}
	c.send("0\r\n\r\n")
	c.expect("0\r\n\r\n")
}

func TestFront_EventsComeAtOnce(t *testing.T) {
	next := make(chan string)
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
		for s := range next {
			p.send(s)
		}
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	c.head() // before the first event
	for _, s := range []string{"data: 1\n\n", "data: 2\n\n"} {
		next <- s
		c.expect("9\r\n" + s + "\r\n")
	}
	close(next)
	c.expect("0\r\n\r\n")
}
