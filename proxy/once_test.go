package proxy

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// A POST that an upstream may have acted on is never sent to another one: of
// all upstreams together exactly one has got it, whatever became of it there.
func TestOnce_APostIsNeverSentTwice(t *testing.T) {
	f := func(name, raw string, misbehave func(p *peer)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := listen(t, func(u *upstream, p *peer) {
				if _, _, ok := u.request(p); ok {
					misbehave(p)
				}
			})
			good := answering(t, plain("good"))
			r := newRig(t, func(c *config.Config) {
				p := c.Pools["app"]
				p.Retry.On = append(p.Retry.On, "gateway-error")
				p.Outlier.Enabled, p.CircuitBreaker.Enabled = false, false
				p.Timeouts.FirstByte, p.Timeouts.ResponseIdle = config.Duration(idleForTest), config.Duration(idleForTest)
			}, bad.addr, good.addr)
			const asked = 4
			answered := 0
			for range asked {
				c := r.dial()
				c.send(raw)
				if c.lasting(raw).body == "good" {
					answered++
				}
			}
			r.idle()
			if n := bad.requests() + good.requests(); n != asked {
				t.Errorf("%d requests were sent upstream, %d were made", n, asked)
			}
			if bad.requests() == 0 || answered != good.requests() {
				t.Errorf("the bad upstream got %d; the good one %d, of which %d were answered", bad.requests(), good.requests(), answered)
			}
		})
	}
	for framing, body := range map[string]string{
		"length": "Content-Length: 5\r\n\r\nhello",
		"chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"none":   "\r\n",
	} {
		raw := "POST / HTTP/1.1\r\nHost: h\r\n" + body
		says := func(s string) func(p *peer) { return func(p *peer) { p.send(s) } }
		f(framing+", close", raw, func(*peer) {})
		f(framing+", reset", raw, func(p *peer) { _ = p.nc.(*net.TCPConn).SetLinger(0) })
		f(framing+", half a head", raw, says("HTTP/1.1 200 OK\r\nConte"))
		f(framing+", garbage", raw, says("what?\r\n\r\n"))
		f(framing+", silence", raw, func(p *peer) { _, _ = io.Copy(io.Discard, p.br) })
		f(framing+", 103 and close", raw, says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))
		f(framing+", 100 and close", raw, says("HTTP/1.1 100 Continue\r\n\r\n"))
		// It says that it closes: else the next POST may be sent while it does, and reach nobody.
		f(framing+", 503", raw, says("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		f(framing+", half an answer", raw, says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"))
		f(framing+", broken chunks", raw, says(okChunked+"zz\r\n"))
	}
}

// lasting reads the last answer to raw, behind those that inform.
func (p *peer) lasting(raw string) *reply {
	p.t.Helper()
	method := raw[:4]
	for {
		if got := p.reply(method); got.StatusCode >= 200 {
			return got
		}
	}
}

// A byte of an answer that went to the client, an informational one included,
// ends all trying: not even a GET is sent again.
func TestRetry_NotAfterAByteWentToTheClient(t *testing.T) {
	const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	f := func(proto, then string, want int) {
		t.Helper()
		bad := listen(t, func(u *upstream, p *peer) {
			u.request(p)
			p.send(hints + then)
		})
		good := answering(t, plain("good"))
		r := newRig(t, func(c *config.Config) {
			c.Pools["app"].Retry.On = append(c.Pools["app"].Retry.On, "gateway-error")
			c.Pools["app"].Outlier.Enabled = false
			c.Pools["app"].Retry.Backoff.Initial = config.Duration(time.Millisecond)
		}, bad.addr, good.addr)
		for range 2 {
			c := r.dial()
			c.send("GET / HTTP/" + proto + "\r\nHost: h\r\n\r\n")
			if got := c.lasting("GET "); got.StatusCode != want && got.body != "good" {
				t.Errorf("%s %q: %d %q", proto, then, got.StatusCode, got.body)
			}
		}
		if n, all := good.requests(), bad.requests()+good.requests(); (want == 200) != (n == 2) || (want != 200) != (all == 2) {
			t.Errorf("%s %q: %d requests, %d to the good one", proto, then, all, n)
		}
	}
	f("1.1", "", 502)
	f("1.1", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 503)
	f("1.0", "", 200) // it is not told of hints
	f("1.0", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 200)
}
