package proxy

import (
	"sync/atomic"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// What may not pass in a header section may not pass behind the body, either: not
// what Connection names, RFC 9110 section 7.6.1, and not what the route takes out
// or says itself, which some applications would find among the headers.
func TestTrailer_FollowsTheRulesOfHeaders(t *testing.T) {
	const section = "X-Sum: 1\r\nX-Hop: 2\r\nX-User: 3\r\nx_user: 4\r\nX-Role: 5\r\nX-Forwarded-For: 6\r\nHost: 7\r\n\r\n"
	bodies := make(chan string, 2)
	var lost atomic.Bool
	up := listen(t, func(u *upstream, p *peer) {
		for {
			_, body, ok := u.request(p)
			if !ok {
				return
			}
			bodies <- body
			if !lost.Swap(true) {
				return // the request is sent again, with its trailer
			}
			p.send("HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + section)
		}
	})
	edit := config.HeaderEdit{Set: map[string]string{"X-User": "me"}, Remove: []string{"X-Role"}}
	r := newRig(t, func(c *config.Config) {
		c.Routes = []config.Route{{Pool: "app", Headers: config.HeaderEdits{Request: edit, Response: edit}}}
	}, up.addr)
	c := r.dial()
	for _, sent := range []int{2, 1} {
		c.send("PUT / HTTP/1.1\r\nHost: h\r\nConnection: X-Hop\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + section)
		for range sent {
			if got := <-bodies; got != "a|X-Sum: 1" {
				t.Errorf("upstream got %q", got)
			}
		}
		c.head()
		c.expect("1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")
	}
}
