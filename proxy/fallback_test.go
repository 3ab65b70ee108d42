package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// spared is an edit that adds a pool spare of one upstream, the fallback of app.
func spared(addr string) func(*config.Config) {
	return func(c *config.Config) {
		spare := config.DefaultPool()
		spare.Upstreams = []config.Upstream{{Name: "spare", Address: addr, Weight: 1}}
		c.Pools["spare"] = spare
		c.Pools["app"].Fallback.Pool = "spare"
	}
}

func drain(r *rig) {
	for _, u := range r.pools["app"].All() {
		r.pools["app"].SetDrained(u.ID, true)
	}
}

func TestFallback_AnotherPoolTakesWhatNobodyCan(t *testing.T) {
	spare := answering(t, plain("spare"))
	app := answering(t, plain("app"))
	r := newRig(t, func(c *config.Config) {
		spared(spare.addr)(c)
		c.Pools["spare"].Fallback = config.Fallback{Status: 418} // not asked: one step only
	}, app.addr)
	if got := r.ask(get); got.body != "app" {
		t.Errorf("with an upstream: %+v", got)
	}
	drain(r)
	if got := r.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"); got.body != "spare" || got.Header.Get("X-Request-Id") == "" {
		t.Errorf("without: %+v", got)
	}
	r.logged(func(l map[string]any) bool {
		return l["pool"] == "spare" && l["upstream"] == "spare" && l["end"] == "ok" && l["status"] == 200.0 && l["method"] == "POST"
	})
	r.pools["spare"].SetDrained("spare", true)
	if got := r.ask(get); got.StatusCode != 503 || !strings.HasPrefix(got.body, "no-upstream: ") {
		t.Errorf("without any: %+v", got)
	}
	r.logged(func(l map[string]any) bool { return l["pool"] == "spare" && l["end"] == "no-upstream" })
	r.idle()
}

func TestFallback_AfterNobodyAccepts(t *testing.T) {
	spare := listen(t, func(u *upstream, p *peer) {
		if _, body, ok := u.request(p); ok {
			p.send(plain(body))
		}
	})
	r := newRig(t, func(c *config.Config) {
		spared(spare.addr)(c)
		c.Pools["app"].Retry.Backoff.Initial = config.Duration(time.Millisecond)
	}, deadAddress(t))
	if got := r.ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"); got.body != "abc" {
		t.Errorf("%+v", got)
	}
	r.logged(func(l map[string]any) bool {
		return l["pool"] == "spare" && l["attempts"] == 4.0 && l["bytesIn"] == 3.0
	})
	r.idle()
}

// What an upstream may have acted on is no business of a fallback.
func TestFallback_NotAfterAnUpstreamFailed(t *testing.T) {
	spare := answering(t, plain("spare"))
	r := newRig(t, spared(spare.addr), crashing(t).addr)
	if got := r.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"); got.StatusCode != 502 || spare.requests() != 0 {
		t.Errorf("%+v", got)
	}
	r.loggedEnd("upstream-reset", 502)
}

func TestFallback_HasATimeOfItsOwnInTheQueue(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	app := listen(t, func(u *upstream, p *peer) {
		u.request(p)
		<-hold
	})
	spare := answering(t, plain("spare"))
	r := newRig(t, func(c *config.Config) {
		spared(spare.addr)(c)
		c.Pools["app"].Queue.MaxInFlightPerWorker = 1
		c.Pools["app"].Queue.Timeout = config.Duration(30 * time.Millisecond)
		c.Pools["spare"].Queue.MaxInFlightPerWorker = 1
	}, app.addr)
	r.dial().send(get)
	r.eventually("the first request to be under way", func() bool { return r.pools["app"].All()[0].InFlight() == 1 }, nil)
	busy, err := r.pools["spare"].All()[0].Acquire()
	if err != nil {
		t.Fatal(err)
	}
	c := r.dial()
	c.send(get)
	r.eventually("the request to queue", func() bool { return r.pools["spare"].QueueLength() == 1 }, nil)
	busy.Release(pool.Outcome{Result: pool.Neutral})
	if got := c.reply("GET"); got.body != "spare" {
		t.Errorf("%+v", got)
	}
}

func TestFallback_AnAnswerFromTheSettings(t *testing.T) {
	f := func(want config.Fallback, method, body, contentType string) {
		t.Helper()
		r := newRig(t, func(c *config.Config) { c.Pools["app"].Fallback = want })
		c := r.dial()
		for range 2 { // the connection is kept
			c.send(method + " / HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\n")
			got := c.reply(method)
			if got.StatusCode != want.Status || got.body != body || got.Header.Get("Content-Type") != contentType || got.Header.Get("Date") == "" ||
				got.Header.Get("X-Request-Id") == "" || (got.Header.Get("Retry-After") != "") != (want.Status == 503) {
				t.Errorf("%+v: %+v", want, got)
			}
		}
		r.loggedEnd("no-upstream", want.Status)
		r.logged(func(l map[string]any) bool { return l["bytesOut"] == float64(len(body)) && l["pool"] == "app" })
	}
	page := config.Fallback{Status: 503, Body: "<h1>Soon</h1>", ContentType: "text/html; charset=utf-8"}
	f(page, "GET", page.Body, page.ContentType)
	f(page, "HEAD", "", page.ContentType)
	f(config.Fallback{Status: 200, Body: "fine", ContentType: "text/plain"}, "GET", "fine", "text/plain")
	f(config.Fallback{Status: 204, ContentType: "text/plain"}, "GET", "", "")
}

func TestFallback_OfConnections(t *testing.T) {
	spare := listen(t, func(_ *upstream, p *peer) { p.send("spare") })
	r := newRig(t, func(c *config.Config) {
		spared(spare.addr)(c)
		c.Server.Listeners[0].Protocol = "tcp"
	})
	c := r.dial()
	c.expect("spare")
	c.close()
	r.idle()
}
