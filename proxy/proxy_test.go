package proxy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestProxy_PassesAnswersUnchangedOnKeptConnections(t *testing.T) {
	up := answering(t, "HTTP/1.1 207 Some Reason\r\nDate: yesterday\r\nSet-Cookie: a=\"b c\"; x\r\nset-cookie: a=2\r\nConnection: x-hop\r\nX-Hop: 1\r\n"+
		"Keep-Alive: timeout=5\r\nX-Request-Id: theirs\r\nContent-Length: 5\r\n\r\nhello")
	r := newRig(t, nil, up.addr)
	c := r.dial()
	for range 3 {
		c.send("GET /a/%2F/../b?c=%zz HTTP/1.1\r\nHost: Example.com:81\r\nUser-Agent: x\r\n\r\n")
		head := c.head()
		want := "HTTP/1.1 207 Some Reason\r\nDate: yesterday\r\nSet-Cookie: a=\"b c\"; x\r\nset-cookie: a=2\r\nContent-Length: 5\r\nX-Request-Id: ID\r\n\r\n"
		if got := regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(head, "ID"); got != want {
			t.Fatalf("answer\n%s\nwant\n%s", got, want)
		}
		c.expect("hello")
		if got := up.last(); !strings.HasPrefix(got, "GET /a/%2F/../b?c=%zz HTTP/1.1\r\nHost: Example.com:81\r\nUser-Agent: x\r\n") {
			t.Fatalf("upstream got\n%s", got)
		}
	}
	if up.conns != 1 {
		t.Errorf("%d connections upstream for 3 requests in a row", up.conns)
	}
	r.idle()
	r.logged(func(l map[string]any) bool {
		return l["end"] == "ok" && l["status"] == 207.0 && l["bytesOut"] == 5.0 && l["pool"] == "app" && l["upstream"] == up.addr &&
			l["attempts"] == 1.0 && l["path"] == "/a/%2F/../b" && l["host"] == "Example.com:81" && l["client"] == "127.0.0.1" && l["listener"] == "web"
	})
}

func TestProxy_Pipelining(t *testing.T) {
	up := repeating(t)
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcPOST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"2;x=y\r\nde\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"/1", "/2abc", "/3de", "/4"} {
		if got := c.reply("GET"); got.body != want || got.StatusCode != 200 {
			t.Fatalf("got %d %q, want %q", got.StatusCode, got.body, want)
		}
	}
	c.end()
}

func TestProxy_BodiesGoUpAsTheyCame(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			_, body, ok := u.request(p)
			if !ok {
				return
			}
			p.send(plain(body))
		}
	})
	r := newRig(t, nil, up.addr)
	f := func(name, head, wire, want string) {
		t.Helper()
		c := r.dial()
		for range 2 { // the connection is in order afterwards
			c.send("POST /" + name + " HTTP/1.1\r\nHost: h\r\n" + head + "\r\n")
			c.send(wire)
			if got := c.reply("POST"); got.body != want || got.StatusCode != 200 {
				t.Errorf("%s: %d, %d bytes, want %d", name, got.StatusCode, len(got.body), len(want))
			}
		}
	}
	big := strings.Repeat("0123456789", 100_000)
	f("empty", "Content-Length: 0\r\n", "", "")
	f("small", "Content-Length: 5\r\n", "hello", "hello")
	f("big", "Content-Length: 1000000\r\n", big, big)
	f("chunks", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!")
	f("big-chunks", "Transfer-Encoding: chunked\r\n", "F4240\r\n"+big+"\r\n0\r\n\r\n", big)
	f("trailer", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "1\r\na\r\n0\r\nX-Sum: 1\r\nContent-Length: 3\r\nX-Forwarded-For: 1\r\n\r\n", "a|X-Sum: 1")
}

func TestProxy_FramingOfAnswers(t *testing.T) {
	f := func(name, method, answer, wantHead, wantBody string, kept bool) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			for {
				if _, _, ok := u.request(p); !ok {
					return
				}
				p.send(answer)
				if !strings.Contains(answer, "Length") && !strings.Contains(answer, "chunked") && strings.Contains(answer, " 200 ") {
					return // the body ends with the connection
				}
			}
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
		head := regexp.MustCompile(`X-Request-Id: .*\r\n`).ReplaceAllString(c.head(), "")
		if head != wantHead {
			t.Errorf("%s: head\n%s\nwant\n%s", name, head, wantHead)
		}
		c.expect(wantBody)
		if !kept {
			c.end()
			return
		}
		c.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
		c.head()
	}
	f("length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "hi", true)
	f("lengths merged", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "hi", true)
	f("chunks at once", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "hi", true)
	f("trailer", "GET", "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n", true)
	f("until close", "GET", "HTTP/1.0 200 OK\r\n\r\nhi", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n", true)
	f("no type, no date", "GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "", true)
	f("HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\nETag: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\nETag: x\r\n\r\n", "", true)
	f("HEAD chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "", true)
	f("304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", "", true)
	f("204 with a length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "", true)
	f("103 with a length", "GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "HTTP/1.1 204 No Content\r\n", true)
	f("204", "GET", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "", true)
}

func TestProxy_OldClients(t *testing.T) {
	more := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, _, ok := u.request(p)
			if !ok {
				return
			}
			if strings.HasPrefix(head, "GET /stream ") {
				p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
				<-more
				p.send("1\r\n!\r\n0\r\n\r\n")
			} else {
				p.send(plain("x"))
			}
		}
	})
	r := newRig(t, nil, up.addr)

	c := r.dial()
	c.send("GET / HTTP/1.0\r\n\r\n")
	if got := c.head(); !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("head %s", got)
	}
	c.expect("x")
	c.end()
	if host := r.server.Address("web").String(); !strings.Contains(up.last(), "\r\nHost: "+host+"\r\n") {
		t.Errorf("upstream got\n%s", up.last())
	}

	c = r.dial()
	c.send("GET / HTTP/1.0\r\nHost:\r\nX-Abcdefghij: 0123456789\r\n\r\n")
	c.head()
	if !strings.Contains(up.last(), "\r\nX-Abcdefghij: 0123456789\r\n") || !strings.Contains(up.last(), "\r\nHost: 127.0.0.1:") {
		t.Errorf("upstream got\n%s", up.last())
	}

	c = r.dial()
	for range 2 {
		c.send("GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n")
		if got := c.head(); !strings.Contains(got, "Connection: keep-alive\r\n") {
			t.Errorf("head %s", got)
		}
		c.expect("x")
	}
	c.send("GET /stream HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n")
	if got := c.head(); strings.Contains(got, "chunked") || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("head %s", got)
	}
	c.expect("hi")
	close(more)
	c.expect("!")
	c.end()
}

func TestProxy_RoutesStripAndEdit(t *testing.T) {
	up := answering(t, "HTTP/1.1 200 OK\r\nServer: secret\r\nX-A: old\r\nContent-Length: 0\r\n\r\n")
	r := newRig(t, func(c *config.Config) {
		c.Server.Listeners[0].Pool = ""
		c.Routes = []config.Route{{
			Match: config.Match{Path: "/v1/"}, Pool: "app", StripPrefix: "/v1",
			Headers: config.HeaderEdits{Response: config.HeaderEdit{Set: map[string]string{"X-A": "new"}, Remove: []string{"server"}}},
		}}
	}, up.addr)
	got := r.ask("GET /v1/x%20?y HTTP/1.1\r\nHost: h\r\n\r\n")
	if got.StatusCode != 200 || got.Header.Get("Server") != "" || strings.Join(got.Header.Values("X-A"), ",") != "new" {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(up.last(), "GET /x%20?y HTTP/1.1\r\n") {
		t.Errorf("upstream got %s", up.last())
	}
	r.ask("GET /v1?q HTTP/1.1\r\nHost: h\r\n\r\n")
	if !strings.HasPrefix(up.last(), "GET /?q HTTP/1.1\r\n") {
		t.Errorf("upstream got %s", up.last())
	}
	if got := r.ask("GET /a/../v1/x HTTP/1.1\r\nHost: h\r\n\r\n"); got.StatusCode != 400 {
		t.Errorf("%+v", got)
	}
	got = r.ask("GET /other HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\n")
	if got.StatusCode != 404 || got.Header.Get("Content-Type") != "application/json" || !strings.Contains(got.body, `"code":"no-route"`) ||
		!strings.Contains(got.body, got.Header.Get("X-Request-Id")) || got.Header.Get("Proxy-Status") != "drover; error=destination_not_found" {
		t.Errorf("%+v", got)
	}
	r.loggedEnd("no-route", 404)
}
