package proxy

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// closedAddress returns an address that nobody listens at.
func closedAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

func noRetry(c *config.Config) { c.Pools["app"].Retry.Attempts = 1 }

func TestUpstream_FailuresHaveTheirStatusAndName(t *testing.T) {
	f := func(name string, script func(u *upstream, p *peer), status int, end, proxyStatus string) {
		t.Helper()
		up := listen(t, script)
		r := newRig(t, func(c *config.Config) {
			noRetry(c)
			if status == 504 { // the others have time to fail as they do
				c.Pools["app"].Timeouts.FirstByte = config.Duration(50 * time.Millisecond)
			}
		}, up.addr)
		c := r.dial()
		c.send(get)
		got := c.reply("GET")
		if got.StatusCode != status || got.Header.Get("Proxy-Status") != "drover; error="+proxyStatus || !strings.HasPrefix(got.body, end+": ") {
			t.Errorf("%s: %+v", name, got)
		}
		r.loggedEnd(end, status)
		if u := r.pools["app"].All()[0]; u.ErrorRate() == 0 {
			t.Errorf("%s: the upstream is not blamed", name)
		}
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx") // the client's connection is in order
		if got := c.reply("POST"); got.StatusCode != status {
			t.Errorf("%s, again: %+v", name, got)
		}
		r.idle()
	}
	f("close", func(u *upstream, p *peer) { u.request(p) }, 502, "upstream-reset", "connection_terminated")
	f("reset", func(u *upstream, p *peer) {
		u.request(p)
		_ = p.nc.(*net.TCPConn).SetLinger(0)
	}, 502, "upstream-reset", "connection_terminated")
	f("half a head", func(u *upstream, p *peer) {
		u.request(p)
		p.send("HTTP/1.1 200 OK\r\nConte")
	}, 502, "upstream-reset", "connection_terminated")
	f("garbage", func(u *upstream, p *peer) {
		u.request(p)
		p.send("hello there\r\n\r\n")
		_, _ = io.Copy(io.Discard, p.br)
	}, 502, "upstream-invalid", "http_protocol_error")
	f("unasked 101", func(u *upstream, p *peer) {
		u.request(p)
		p.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
		_, _ = io.Copy(io.Discard, p.br)
	}, 502, "upstream-invalid", "http_protocol_error")
	f("silence", func(u *upstream, p *peer) {
		u.request(p)
		_, _ = io.Copy(io.Discard, p.br)
	}, 504, "upstream-timeout", "http_response_timeout")
}

func TestUpstream_NobodyListens(t *testing.T) {
	r := newRig(t, noRetry, closedAddress(t))
	got := r.ask(get)
	if got.StatusCode != 502 || got.Header.Get("Proxy-Status") != "drover; error=connection_refused" {
		t.Errorf("%+v", got)
	}
	r.loggedEnd("connect-failed", 502)
}

// A response that is cut short is cut short for the client as well: nothing is
// appended, nothing is padded.
func TestUpstream_TruncationIsVisible(t *testing.T) {
	f := func(name, answer, want string) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			u.request(p)
			p.send(answer)
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send(get)
		c.head()
		c.expect(want)
		c.end()
		r.loggedEnd("truncated", 200)
		if u := r.pools["app"].All()[0]; u.ErrorRate() == 0 {
			t.Errorf("%s: the upstream is not blamed", name)
		}
	}
	f("length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "hello")
	f("length, nothing", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "")
	f("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "5\r\nhello\r\n")
	f("chunks, nothing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "")
}

// For an HTTP/1.0 client the end of the connection is the end of the body, so a
// cut must not look like one.
func TestUpstream_TruncationResetsOldClients(t *testing.T) {
	f := func(request string) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			p.head()
			p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send(request)
		_, err := io.ReadAll(c.br)
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q: the connection ended with %v", request, err)
		}
	}
	f("GET / HTTP/1.0\r\n\r\n")
	f("POST / HTTP/1.0\r\nContent-Length: 100000\r\n\r\nthe rest is still to come")
}

func TestUpstream_LargeBodiesComeDownWhole(t *testing.T) {
	body := strings.Repeat("0123456789", 500_000)
	up := answering(t, plain(body))
	r := newRig(t, nil, up.addr)
	c := r.dial()
	for range 2 {
		c.send(get)
		if got := c.reply("GET"); got.body != body || got.err != nil {
			t.Fatalf("%d bytes, %v", len(got.body), got.err)
		}
	}
	r.logged(func(l map[string]any) bool { return l["bytesOut"] == 5e6 && l["end"] == "ok" })
}

// crashing is an upstream that reads one request and closes without an answer.
func crashing(t *testing.T) *upstream {
	return listen(t, func(u *upstream, p *peer) { u.request(p) })
}

func TestRetry_AnotherUpstreamAnswersTheSameRequest(t *testing.T) {
	f := func(name string, bad func() string, raw string, want int) {
		t.Helper()
		good := answering(t, plain("good"))
		r := newRig(t, func(c *config.Config) { c.Pools["app"].Outlier.Enabled = false }, bad(), good.addr)
		for range 4 { // two of them begin at the bad one
			got := r.ask(raw)
			if got.StatusCode != want && got.StatusCode != 200 {
				t.Errorf("%s: %+v", name, got)
			}
			if want == 200 && got.body != "good" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if want == 200 {
			r.logged(func(l map[string]any) bool {
				return l["attempts"] == 2.0 && l["end"] == "ok" && l["upstream"] == good.addr
			})
		} else if n := good.requests(); n != 2 {
			t.Errorf("%s: the good upstream got %d, not 2", name, n)
		}
		r.idle()
	}
	refused := func() string { return closedAddress(t) }
	crash := func() string { return crashing(t).addr }
	small := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
	put := "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	f("GET refused", refused, get, 200)
	f("POST refused", refused, small, 200)
	f("GET reset", crash, get, 200)
	f("PUT reset, body replayed", crash, put, 200)
	f("POST reset", crash, small, 502)
}

func TestRetry_ABodyIsReplayedWhole(t *testing.T) {
	var bodies atomic.Int32
	want := strings.Repeat("abcdefgh", 7000) // below what is kept, more than arrives at once
	good := listen(t, func(u *upstream, p *peer) {
		for {
			_, body, ok := u.request(p)
			if !ok {
				return
			}
			if body == want {
				bodies.Add(1)
			}
			p.send(plain("ok"))
		}
	})
	bad := listen(t, func(u *upstream, p *peer) { u.request(p) })
	r := newRig(t, func(c *config.Config) { c.Pools["app"].Outlier.Enabled = false }, bad.addr, good.addr)
	for range 4 {
		c := r.dial()
		c.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 56000\r\n\r\n")
		c.send(want[:1000])
		c.send(want[1000:])
		if got := c.reply("PUT"); got.StatusCode != 200 {
			t.Fatalf("%+v", got)
		}
	}
	if bodies.Load() != 4 {
		t.Errorf("%d bodies came whole", bodies.Load())
	}
	// One that is too large to be kept is not sent again.
	bads := 0
	for range 2 {
		c := r.dial()
		c.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000))
		if got := c.reply("PUT"); got.StatusCode == 502 {
			bads++
		}
	}
	if bads != 1 {
		t.Errorf("%d of 2 large bodies failed", bads)
	}
}

// The upload waits for the client when the upstream fails: it is stopped, and
// the next attempt goes on where the client is.
func TestRetry_WhileTheBodyStillComes(t *testing.T) {
	good := listen(t, func(u *upstream, p *peer) {
		if _, body, ok := u.request(p); ok {
			p.send(plain(itoa(len(body))))
		}
	})
	bad := listen(t, func(u *upstream, p *peer) { p.head() })
	r := newRig(t, func(c *config.Config) { c.Pools["app"].Outlier.Enabled = false }, bad.addr, good.addr)
	for range 2 {
		c := r.dial()
		c.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 10000))
		r.eventually("the good one to be asked", func() bool {
			return r.pools["app"].Get(good.addr).InFlight() == 1
		}, nil)
		c.send(strings.Repeat("x", 10000))
		if got := c.reply("PUT"); got.body != "20000" {
			t.Fatalf("%+v", got)
		}
	}
	r.idle()
}

func TestRetry_GatewayErrorsWhenNamed(t *testing.T) {
	bad := answering(t, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad")
	good := answering(t, plain("good"))
	edit := func(c *config.Config) { c.Pools["app"].Outlier.Enabled = false }
	r := newRig(t, edit, bad.addr, good.addr)
	statuses := map[int]int{}
	for range 4 {
		statuses[r.ask(get).StatusCode]++
	}
	if statuses[200] != 2 || statuses[503] != 2 {
		t.Errorf("not named: %v", statuses)
	}
	r = newRig(t, func(c *config.Config) {
		edit(c)
		c.Pools["app"].Retry.On = []string{"gateway-error"}
	}, bad.addr, good.addr)
	for range 4 {
		if got := r.ask(get); got.StatusCode != 200 {
			t.Errorf("%+v", got)
		}
	}
	r.idle()
}

// The upstreams that all failed are tried again after a pause, and when
// attempts are used up the last failure is the answer.
func TestRetry_AttemptsEnd(t *testing.T) {
	bad := crashing(t)
	r := newRig(t, func(c *config.Config) { c.Pools["app"].Retry.Backoff.Initial = config.Duration(time.Millisecond) }, bad.addr)
	if got := r.ask(get); got.StatusCode != 502 {
		t.Errorf("%+v", got)
	}
	if n := bad.requests(); n != 3 {
		t.Errorf("%d attempts", n)
	}
	r.idle()
}

func TestQueue_AnswersSayWhyNobodyServed(t *testing.T) {
	f := func(name string, edit func(*config.Config), prepare func(*rig), end string) {
		t.Helper()
		hold := make(chan struct{})
		up := listen(t, func(u *upstream, p *peer) {
			u.request(p)
			<-hold
			p.send(plain("late"))
		})
		defer close(hold)
		r := newRig(t, edit, up.addr)
		prepare(r)
		got := r.ask(get)
		if got.StatusCode != 503 || !strings.HasPrefix(got.body, end+": ") || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %+v", name, got)
		}
		r.loggedEnd(end, 503)
	}
	busy := func(r *rig) {
		r.dial().send(get)
		r.eventually("the first request to be under way", func() bool { return r.pools["app"].All()[0].InFlight() == 1 }, nil)
	}
	one := func(c *config.Config) { c.Pools["app"].Queue.MaxInFlightPerWorker = 1 }
	f("full", func(c *config.Config) { one(c); c.Pools["app"].Queue.Length = 0 }, busy, "queue-full")
	f("timeout", func(c *config.Config) { one(c); c.Pools["app"].Queue.Timeout = config.Duration(30 * time.Millisecond) }, busy, "queue-timeout")
	f("none", nil, func(r *rig) { r.pools["app"].SetDrained(r.pools["app"].All()[0].ID, true) }, "no-upstream")
	f("breaker", func(c *config.Config) {
		c.Pools["app"].CircuitBreaker.MinRequests = 1
		c.Pools["app"].CircuitBreaker.OpenFor = config.Duration(time.Hour)
		c.Pools["app"].Outlier.Enabled = false
	}, func(r *rig) {
		for range 20 {
			if l, err := r.pools["app"].All()[0].Acquire(); err == nil {
				l.Release(pool.Outcome{Result: pool.Reset})
			}
		}
	}, "breaker-open")
}

// firstWorker sends a GET to a pool without workers and, when it queues, gives it up
// as the first one.
func firstWorker(t *testing.T, up *upstream) (*rig, *peer) {
	t.Helper()
	r := newRig(t, nil)
	r.pools["app"].SetExpecting(true)
	c := r.dial()
	c.send(get)
	r.eventually("the request to queue", func() bool { return r.pools["app"].QueueLength() == 1 }, nil)
	if _, err := r.pools["app"].Add(pool.Spec{ID: "app-1.1", Label: "app-1", Network: "tcp", Address: up.addr, Weight: 1, Spawned: true, State: pool.Healthy}); err != nil {
		t.Fatal(err)
	}
	return r, c
}

func TestQueue_ARequestWaitsForTheFirstWorker(t *testing.T) {
	up := answering(t, plain("ready"))
	r, c := firstWorker(t, up)
	if got := c.reply("GET"); got.body != "ready" {
		t.Errorf("%+v", got)
	}
	r.logged(func(l map[string]any) bool { return l["upstream"] == "app-1.1" && l["queueWait"].(float64) > 0 })
}
