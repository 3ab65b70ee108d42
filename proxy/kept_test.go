package proxy

import (
	"io"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// After an error a connection goes on when the whole request was read and
// understood. It ends, and says so, when something of the body is still to
// come: whatever that is, it is not taken for a request.
func TestKept_AfterErrors(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			if _, err := p.br.Peek(1); err != nil {
				return
			}
			head := p.head() // the body, if any, is not waited for
			u.mu.Lock()
			u.seen = append(u.seen, head)
			u.mu.Unlock()
			switch {
			case strings.Contains(head, " /reset"):
				return
			case strings.Contains(head, " /silent"):
				_, _ = io.Copy(io.Discard, p.br)
				return
			case strings.Contains(head, " /garbage"):
				p.send("?\r\n\r\n")
				return
			}
			p.send(plain(strings.Fields(head)[1]))
		}
	})
	r := newRig(t, func(c *config.Config) {
		patient(c)
		c.Server.Timeouts.RequestBodyIdle = config.Duration(idleForTest)
		c.Server.Listeners[0].Pool = ""
		c.Pools["none"] = config.DefaultPool()
		c.Pools["none"].Upstreams = []config.Upstream{{Name: "none", Address: closedAddress(t), Weight: 1}}
		c.Pools["none"].Retry.Attempts = 1
		c.Pools["none"].HealthCheck.Enabled = false
		c.Routes = []config.Route{{Match: config.Match{Path: "/none"}, Pool: "none"}, {Match: config.Match{Path: "/up"}, Pool: "app", StripPrefix: "/up"}}
	}, up.addr)
	const smuggled = "GET /up/evil HTTP/1.1\r\nHost: h\r\n\r\n"
	f := func(path string, status int, end string) {
		t.Helper()
		for _, small := range []string{"\r\n", "Content-Length: 3\r\n\r\nabc"} {
			c := r.dial()
			c.send("PUT " + path + " HTTP/1.1\r\nHost: h\r\n" + small)
			got := c.reply("PUT")
			if got.StatusCode != status || !strings.HasPrefix(got.body, end+": ") || got.Close {
				t.Errorf("%s: %+v", path, got)
			}
			c.send("GET /up/next HTTP/1.1\r\nHost: h\r\n\r\n")
			if got := c.reply("GET"); got.body != "/next" {
				t.Errorf("%s: the next is answered %+v", path, got)
			}
		}
		for _, pending := range []string{
			"Content-Length: 1000\r\n\r\n" + smuggled, "Transfer-Encoding: chunked\r\n\r\n" + "ff\r\n" + smuggled, "Transfer-Encoding: chunked\r\n\r\n",
		} {
			before := up.requests()
			c := r.dial()
			c.send("PUT " + path + " HTTP/1.1\r\nHost: h\r\n" + pending)
			got := c.reply("PUT")
			if got.StatusCode != status && got.StatusCode != 408 || !got.Close {
				t.Errorf("%s with a body to come: %+v", path, got)
			}
			c.send(smuggled)
			c.closeWrite()
			c.end()
			r.idle()
			if up.requests() > before+1 || strings.Contains(up.last(), "evil") {
				t.Errorf("%s with a body to come: the upstream got %q", path, up.last())
			}
		}
	}
	f("/nowhere", 404, "no-route")
	f("/none", 502, "connect-failed")
	f("/up/reset", 502, "upstream-reset")
	f("/up/garbage", 502, "upstream-invalid")
	f("/up/silent", 504, "upstream-timeout")
}

// What was not understood ends the connection at once, with nothing behind it
// answered.
func TestKept_NotAfterWhatIsMalformed(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send(get + "GET / HTTP/1.1\r\nHost : h\r\n\r\n" + get)
	if got := c.reply("GET"); got.body != "x" {
		t.Errorf("%+v", got)
	}
	if got := c.reply("GET"); got.StatusCode != 400 || !got.Close {
		t.Errorf("%+v", got)
	}
	c.end()
	if n := up.requests(); n != 1 {
		t.Errorf("%d requests went upstream", n)
	}
}

// Requests that come together are answered one after another, each as soon as
// its answer is there, and the last one that the client wants is the last.
func TestKept_Pipelining(t *testing.T) {
	slow := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, _, ok := u.request(p)
			if !ok {
				return
			}
			if strings.Contains(head, " /2 ") {
				<-slow
			}
			p.send(plain(strings.Fields(head)[1]))
		}
	})
	r := newRig(t, nil, up.addr)
	f := func(proto, last string) {
		t.Helper()
		c := r.dial()
		keep := ""
		if proto == "HTTP/1.0" {
			keep = "Connection: keep-alive\r\n"
		}
		raw := ""
		for _, n := range []string{"1", "2", "3"} {
			raw += "GET /" + n + " " + proto + "\r\nHost: h\r\n" + keep + "\r\n"
		}
		c.send(raw + "GET /4 " + proto + "\r\nHost: h\r\n" + last + "\r\n" + "GET /5 " + proto + "\r\nHost: h\r\n\r\n")
		c.want("/1") // the second is not waited for
		slow <- struct{}{}
		for _, want := range []string{"/2", "/3", "/4"} {
			c.want(want)
		}
		c.end()
	}
	f("HTTP/1.1", "Connection: close\r\n")
	f("HTTP/1.1", "Connection: foo\r\nConnection: bar, Close\r\n")
	f("HTTP/1.0", "")
	f("HTTP/1.0", "Connection: keep-alive, close\r\n")
	if strings.Contains(strings.Join(up.seen, ""), "/5") {
		t.Error("what followed the last was asked")
	}
}

// want reads an answer of status 200 with that body.
func (p *peer) want(body string) {
	p.t.Helper()
	if got := p.reply("GET"); got.StatusCode != 200 || got.body != body {
		p.t.Errorf("answered %d %q, want %q", got.StatusCode, got.body, body)
	}
}

// Bodies of exactly what is allowed pass; one byte more does not, however it is
// framed, and the upstream never gets it as complete.
func TestKept_LimitOfBodiesIsExact(t *testing.T) {
	const limit = 5000
	complete := make(chan int, 10)
	up := listen(t, func(u *upstream, p *peer) {
		for {
			_, body, ok := u.request(p)
			if !ok {
				return
			}
			complete <- len(body)
			p.send(plain("ok"))
		}
	})
	r := newRig(t, func(c *config.Config) { c.Server.Limits.BodyBytes = limit }, up.addr)
	chunked := func(n int) string {
		return "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", n) + "0\r\n\r\n"
	}
	sized := func(n int) string {
		return "Content-Length: " + itoa(n) + "\r\n\r\n" + strings.Repeat("x", n)
	}
	for _, body := range []func(int) string{chunked, sized} {
		c := r.dial()
		for range 2 {
			c.send("POST / HTTP/1.1\r\nHost: h\r\n" + body(limit))
			c.want("ok")
			if n := <-complete; n != limit {
				t.Errorf("%d bytes came", n)
			}
		}
		c.send("POST / HTTP/1.1\r\nHost: h\r\n" + body(limit+1))
		if got := c.reply("POST"); got.StatusCode != 413 || !got.Close {
			t.Errorf("%+v", got)
		}
		c.closeWrite()
		c.end()
	}
	// Who asks beforehand is told before it sends anything.
	if got := r.ask("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: " + itoa(limit+1) + "\r\n\r\n"); got.StatusCode != 413 {
		t.Errorf("%+v", got)
	}
	r.idle()
	if len(complete) != 0 {
		t.Error("one that is too large came as complete")
	}
}

// What waits for 100 is told to go on when somebody wants the body, and not
// otherwise; HTTP/1.0 knows nothing of it.
func TestKept_ExpectOfOldClients(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, body, ok := u.request(p)
			if !ok {
				return
			}
			if strings.Contains(head, "Expect") {
				t.Errorf("upstream got\n%s", head)
			}
			p.send(plain(body))
		}
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	c.send("hello") // a 100 would have been sent before this is read
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") {
		t.Errorf("head\n%s", head)
	}
	c.expect("hello")
	c.end()
}

// An upstream that knows nothing of 100 is waited for no longer than a second:
// then the client is told to go on.
func TestKept_ExpectOfAnUpstreamThatDoesNotKnowIt(t *testing.T) {
	t.Parallel()
	up := listen(t, func(u *upstream, p *peer) {
		_, body, _ := u.request(p)
		p.send(plain(body))
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	c.expect("HTTP/1.1 100 Continue\r\n\r\n")
	c.send("hello")
	c.want("hello")
}
