package proxy

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// passed asks over c and returns the head of the answer without drover's request id.
func (p *peer) passed(raw string) string {
	p.t.Helper()
	p.send(raw)
	return ownID.ReplaceAllString(p.head(), "")
}

// Fields of the upstream's connection end there; all others are passed on as
// they came, and drover's own cannot be named away.
func TestResponse_FieldsOfTheHop(t *testing.T) {
	f := func(fields, want string) {
		t.Helper()
		up := answering(t, "HTTP/1.1 200 OK\r\n"+fields+"Content-Length: 2\r\n\r\nhi")
		r := newRig(t, nil, up.addr)
		c := r.dial()
		for range 2 {
			c.send(get)
			head := c.head()
			if got := ownID.ReplaceAllString(head, "X-Request-Id: ID\r\n"); got != "HTTP/1.1 200 OK\r\n"+want+"Content-Length: 2\r\nX-Request-Id: ID\r\n\r\n" {
				t.Errorf("%q came as\n%s", fields, got)
			}
			c.expect("hi")
			if strings.Contains(fields, "close") {
				c = r.dial() // not that it is needed: the hop that ends is the upstream's
			}
		}
	}
	f("Connection: close\r\n", "")
	f("Connection: keep-alive, X-A\r\nX-A: 1\r\nx-a: 2\r\nX-AB: 3\r\n", "X-AB: 3\r\n")
	f("Connection:\r\nConnection: , X-A ,,\r\nX-B: 1\r\nX-A: 2\r\nconnection: x-b\r\n", "")
	f("Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c, foo\r\nTE: gzip\r\nHTTP2-Settings: AA\r\n", "")
	f("Connection: X-Request-Id, Content-Length, Transfer-Encoding\r\nX-Request-Id: theirs\r\n", "")
	f("Date: yesterday\r\nServer: s\r\nVia: 1.1 v\r\nAge: 5\r\n", "Date: yesterday\r\nServer: s\r\nVia: 1.1 v\r\nAge: 5\r\n")
	f("Set-Cookie: a=\"b c\"; expires=Mon, 01\r\nset-cookie: a=2\r\nSET-COOKIE:\r\n", "Set-Cookie: a=\"b c\"; expires=Mon, 01\r\nset-cookie: a=2\r\nSET-COOKIE: \r\n")
	f("Content-Type: \r\nX-Utf: \xc3\xa4\xff\r\nX_Forwarded_For: a\r\n", "Content-Type: \r\nX-Utf: \xc3\xa4\xff\r\nX_Forwarded_For: a\r\n")
	f("Trailer: X-T\r\nWWW-Authenticate: Basic\r\nProxy-Authenticate: Basic\r\n", "Trailer: X-T\r\nWWW-Authenticate: Basic\r\nProxy-Authenticate: Basic\r\n")
}

// Whatever minor version and framing the upstream has, the client is spoken to
// in 1.1, and the body is all of it.
func TestResponse_OldUpstreams(t *testing.T) {
	f := func(answer, want string) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			for {
				if _, _, ok := u.request(p); !ok {
					return
				}
				p.send(answer)
				if !strings.Contains(answer, "keep-alive") {
					return
				}
			}
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		for range 3 {
			if got := c.passed(get); got != want {
				t.Errorf("%q: head\n%s", answer, got)
			}
			if strings.Contains(want, "chunked") {
				c.expect("2\r\nhi\r\n0\r\n\r\n")
			} else {
				c.expect("hi")
			}
		}
		up.mu.Lock()
		defer up.mu.Unlock()
		if kept := up.conns == 1; kept != strings.Contains(answer, "keep-alive") {
			t.Errorf("%q: %d connections upstream", answer, up.conns)
		}
	}
	f("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
	f("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
	f("HTTP/1.0 200 OK\r\n\r\nhi", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
}

// What has no body has none, whatever the upstream sends behind it; the next
// request gets its own answer.
func TestResponse_WithoutBody(t *testing.T) {
	f := func(method, answer string, want int) {
		t.Helper()
		up, played := hostile(t, func(p *peer) {
			p.head()
			p.send(answer)
		})
		r := newRig(t, patient, up.addr)
		c := r.dial()
		c.send(method + " /first HTTP/1.1\r\nHost: h\r\n\r\n")
		if got := c.reply(method); got.StatusCode != want || got.body != "" {
			t.Errorf("%s, %q: %d %q", method, answer, got.StatusCode, got.body)
		}
		<-played
		c.send(secondGet)
		if got := c.reply("GET"); got.body != "/second" {
			t.Errorf("%s, %q: the next is answered %q", method, answer, got.body)
		}
		r.idle()
	}
	f("HEAD", okHead+"Content-Length: 4\r\n\r\nevil", 200)
	f("HEAD", okHead+"Content-Length: 4\r\n\r\n"+evilAnswer, 200)
	f("HEAD", okChunked+"4\r\nevil\r\n0\r\n\r\n", 200)
	f("HEAD", okHead+"\r\nevil", 200)
	f("HEAD", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nevil", 404)
	f("GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n", 304)
	f("GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n", 204)
	f("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", 204)
	f("GET", okHead+"Content-Length: 0\r\n\r\n"+evilAnswer, 200)
}

// The answer to HEAD says of the body what the answer to GET would.
func TestResponse_HeadOfDroversOwn(t *testing.T) {
	r := newRig(t, nil)
	c := r.dial()
	for range 2 { // the connection is in order afterwards
		head := c.passed("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 503 Service Unavailable\r\n") || !strings.Contains(head, "Retry-After: 1\r\n") {
			t.Errorf("head\n%s", head)
		}
	}
	c.send(get)
	if got := c.reply("GET"); !strings.HasPrefix(got.body, "no-upstream: ") {
		t.Errorf("%+v", got)
	}
}

// Trailers pass to who can read them, less those that would frame or route; a
// body without chunks has no place for them.
func TestResponse_Trailers(t *testing.T) {
	const sent = okHead + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
	const trailer = "0\r\nX-Sum: 1\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nConnection: close\r\nX-Forwarded-For: 1\r\nx-other:  a b \r\n\r\n"
	late := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, _, ok := u.request(p)
			if !ok {
				return
			}
			if strings.HasPrefix(head, "GET /late ") {
				p.send(sent)
				<-late
				p.send(trailer)
			} else {
				p.send(sent + trailer)
			}
		}
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	const head = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n"
	const body = "2\r\nhi\r\n0\r\nX-Sum: 1\r\nx-other: a b\r\n\r\n"
	for range 2 {
		if got := c.passed(get); got != head+"Transfer-Encoding: chunked\r\n\r\n" {
			t.Errorf("head\n%s", got)
		}
		c.expect(body)
	}
	c.passed("GET /late HTTP/1.1\r\nHost: h\r\n\r\n")
	c.expect("2\r\nhi\r\n")
	close(late)
	c.expect(body[len("2\r\nhi\r\n"):])

	c = r.dial()
	if got := c.passed("GET / HTTP/1.0\r\nHost: h\r\n\r\n"); got != head+"Connection: close\r\n\r\n" {
		t.Errorf("head\n%s", got)
	}
	c.expect("hi")
	c.end()
}

// An answer that is complete while the request's body still comes up ends the
// connection, whatever its status: nobody reads the rest, and none of it is
// taken for a request.
func TestResponse_BeforeTheBodyIsThere(t *testing.T) {
	f := func(answer, body string) {
		t.Helper()
		ended := make(chan string, 1)
		up := listen(t, func(u *upstream, p *peer) {
			u.mu.Lock()
			u.seen = append(u.seen, p.head())
			u.mu.Unlock()
			p.send(answer)
			rest, _ := io.ReadAll(p.br)
			ended <- string(rest)
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nsome")
		if head := c.head(); !strings.Contains(head, "Connection: close\r\n") {
			t.Errorf("%q: head\n%s", answer, head)
		}
		c.expect(body)
		const evil = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n"
		c.send(evil)
		c.closeWrite()
		c.end()
		// By its length it is body still: it may go up as such until the upload is
		// stopped, and as nothing else.
		if rest := <-ended; !strings.HasPrefix("some"+evil, rest) {
			t.Errorf("%q: the upstream got %q", answer, rest)
		}
		r.idle()
		if n := up.requests(); n != 1 || r.counter("drover_requests_total") != 1 {
			t.Errorf("%q: %d requests", answer, n)
		}
		if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
			t.Errorf("%q: the upstream is blamed", answer)
		}
	}
	f(okChunked+"2\r\nno\r\n0\r\n\r\n", "no")
	f(plain("done"), "done")
	f("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "no")
	f("HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n", "")
	f("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", "no")
}

// A head goes ahead of a body that is not there yet, whatever its framing: the
// upstream may be waiting for what the client does then.
func TestResponse_HeadGoesAhead(t *testing.T) {
	f := func(head, body, wire string) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			p.head()
			p.send(okHead + head)
			p.expect("5\r\nhello\r\n0\r\n\r\n")
			p.send(body)
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.head()
		c.send("5\r\nhello\r\n0\r\n\r\n")
		c.expect(wire)
		r.idle()
	}
	f("Content-Length: 2\r\n\r\n", "hi", "hi")
	f("Content-Length: 1000000\r\n\r\n", strings.Repeat("x", 1_000_000), strings.Repeat("x", 1_000_000))
	f("Transfer-Encoding: chunked\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n")
	f("\r\n", "hi", "2\r\nhi\r\n0\r\n\r\n")
}

// An answer that ends the connection upstream, without having said so, is
// whole, whether the end is seen with its last byte or later; nobody is blamed.
func TestResponse_EndsWithItsConnection(t *testing.T) {
	for _, pause := range []time.Duration{0, 20 * time.Millisecond} {
		closed := make(chan struct{})
		up := listen(t, func(u *upstream, p *peer) {
			if _, _, ok := u.request(p); ok {
				p.send(plain("hello"))
				<-time.After(pause)
				p.close()
				closed <- struct{}{}
			}
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		for i := range 6 {
			raw := get
			if i%2 == 1 { // goes to a connection that is there, or it would fail
				raw = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
			}
			c.send(raw)
			c.want("hello")
			<-closed
		}
		r.idle()
		if n := up.requests(); n != 6 || r.counter("drover_retries_total") != 0 {
			t.Errorf("%d requests were sent for 6", n)
		}
		if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
			t.Error("the upstream is blamed")
		}
	}
}

// An answer that has begun is cut short when its request turns out to be bad:
// that is written down as what it is, and the upstream is not blamed.
func TestResponse_CutShortByItsRequest(t *testing.T) {
	f := func(end, rest string) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			p.head()
			p.send(okChunked + "2\r\nhi\r\n")
			toldAtEnd(p)
		})
		r := newRig(t, func(c *config.Config) {
			c.Server.Limits.BodyBytes = 10
			c.Server.Timeouts.RequestBodyIdle = config.Duration(idleForTest)
		}, up.addr)
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
		c.head()
		c.expect("2\r\nhi\r\n")
		c.send(rest)
		c.closed()
		r.loggedEnd(end, 200)
		r.idle()
		if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
			t.Errorf("%s: the upstream is blamed", end)
		}
	}
	f("bad-request", "zz\r\n")
	f("too-large", "7\r\nalready\r\n0\r\n\r\n")
	f("client-timeout", "4\r\nso")
}

// closed reads to the end of the connection, in order or not, which must come
// without another byte.
func (p *peer) closed() {
	p.t.Helper()
	rest, err := io.ReadAll(p.br)
	if len(rest) > 0 || isTimeout(err) {
		p.t.Errorf("the connection should have ended; got %q, %v", rest, err)
	}
}
