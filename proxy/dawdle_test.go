package proxy

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// bounded makes a route to app whose requests may take d in all.
func bounded(d time.Duration) func(c *config.Config) {
	return func(c *config.Config) {
		c.Routes = []config.Route{{Match: config.Match{Path: "/"}, Pool: "app", Timeouts: config.RouteTimeouts{Total: config.Duration(d)}}}
	}
}

func TestTotal_ClientThatTakesItAllIsNotHeldAgainstTheUpstream(t *testing.T) {
	f := func(name, request, answer, end string, status int, blamed bool) {
		t.Helper()
		total := 100 * time.Millisecond
		if answer != "" {
			total = time.Second // it is to begin in time
		}
		up := listen(t, func(u *upstream, p *peer) {
			p.head()
			p.send(answer)
			_, _ = io.Copy(io.Discard, p.br)
		})
		r := newRig(t, bounded(total), up.addr)
		c := r.dial()
		c.send(request)
		r.loggedEnd(end, status)
		c.close()
		r.idle()
		if u := r.pools["app"].All()[0]; (u.ErrorRate() != 0) != blamed {
			t.Errorf("%s: error rate %v", name, u.ErrorRate())
		}
	}
	f("half a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nsome", "", "client-timeout", 408, false)
	f("half a chunk", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nso", "", "client-timeout", 408, false)
	f("no answer", get, "", "upstream-timeout", 504, true)
	f("no answer to a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nsome", "", "upstream-timeout", 504, true)
	f("half an answer", get, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome", "upstream-timeout", 200, true)
}

func TestTotal_ClientThatDoesNotReadIsNotHeldAgainstTheUpstream(t *testing.T) {
	up := answering(t, plain(strings.Repeat("x", 50<<20)))
	const total = time.Second
	r := newRig(t, bounded(total), up.addr)
	c := r.dial()
	c.send(get)
	if _, err := c.br.Peek(1); err != nil { // the answer has begun in time
		t.Fatal(err)
	}
	<-time.After(total) // and is not taken until its time is over
	go func() { _, _ = io.Copy(io.Discard, c.br) }()
	r.loggedEnd("client-timeout", 200)
	r.idle()
	if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
		t.Error("the upstream is blamed")
	}
}
