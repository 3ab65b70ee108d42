package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

const keepGet = "GET /kept HTTP/1.1\r\nHost: h\r\n\r\n"

// repeating answers each request with its path and body.
func repeating(t *testing.T) *upstream {
	return listen(t, func(u *upstream, p *peer) {
		for {
			head, body, ok := u.request(p)
			if !ok {
				return
			}
			p.send(plain(strings.Fields(head)[1] + body))
		}
	})
}

// The end of a client's side may come together with its request; the connection
// ends after the answer, and does not wait for the keep-alive time.
func TestVisit_AnEndThatCameWithTheRequestIsSeen(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.KeepAlive = config.Duration(time.Hour) }, repeating(t).addr)
	for _, before := range []int{0, 1, 5} {
		c := r.dial()
		for range before {
			c.send(keepGet)
			if got := c.reply("GET"); got.body != "/kept" {
				t.Fatalf("%d before: answered %q", before, got.body)
			}
		}
		// Corked, so that request and end leave in one packet.
		cork(t, c.nc)
		c.send(keepGet)
		c.closeWrite()
		if got := c.reply("GET"); got.body != "/kept" || got.Close {
			t.Errorf("%d before: answered %q, last: %v", before, got.body, got.Close)
		}
		c.end()
	}
	r.idle()
}

// Requests that come in odd pieces, plain ones and others by turns, are answered in
// their order.
func TestVisit_PiecesOfEverySize(t *testing.T) {
	r := newRig(t, nil, repeating(t).addr)
	var all strings.Builder
	var want []string
	for i := range 40 {
		switch {
		case i%5 == 3:
			fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", i)
			want = append(want, fmt.Sprintf("/%dbody", i))
		case i%7 == 5:
			fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: h\r\nX-Long: %s\r\n\r\n", i, strings.Repeat("x", 9000))
			want = append(want, fmt.Sprintf("/%d", i))
		default:
			fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)
			want = append(want, fmt.Sprintf("/%d", i))
		}
	}
	for _, size := range []int{7, 31, 4096, 5000, all.Len()} {
		c := r.dial()
		go func() {
			for rest := all.String(); rest != ""; {
				n := min(size, len(rest))
				if _, err := c.nc.Write([]byte(rest[:n])); err != nil {
					return // the reader will say so
				}
				rest = rest[n:]
			}
		}()
		for _, w := range want {
			if got := c.reply("GET"); got.body != w {
				t.Fatalf("pieces of %d: got %q, want %q", size, got.body, w)
			}
		}
		c.close()
	}
	r.idle()
}

// A client that asks and asks before it reads gets every answer once it reads.
func TestVisit_AnswersWaitForTheirReader(t *testing.T) {
	const requests = 3000
	page := plain(strings.Repeat("x", 8<<10))
	up := answering(t, page)
	r := newRig(t, nil, up.addr)
	c := r.dial()
	sent := make(chan error, 1)
	go func() {
		_, err := c.nc.Write([]byte(strings.Repeat(keepGet, requests)))
		sent <- err
	}()
	r.eventually("the answers to be stuck", func() bool {
		before := up.requests()
		time.Sleep(50 * time.Millisecond) // long enough for many, if they went on
		return before > 0 && up.requests() == before
	}, nil)
	for i := range requests {
		if got := c.reply("GET"); len(got.body) != 8<<10 {
			t.Fatalf("answer %d has %d bytes", i, len(got.body))
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	c.close()
	r.idle()
}
