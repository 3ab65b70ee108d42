package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// crowded has one upstream that works on a request, and a queue of one that is
// full. What was sent before is answered when free is closed.
func crowded(t *testing.T, edit func(*config.Config)) (r *rig, up *upstream, waiting *peer, free chan struct{}) {
	t.Helper()
	free = make(chan struct{})
	up = listen(t, func(u *upstream, p *peer) {
		for {
			head, body, ok := u.request(p)
			if !ok {
				return
			}
			<-free
			p.send(plain(strings.Fields(head)[1] + body))
		}
	})
	r = newRig(t, func(c *config.Config) {
		c.Pools["app"].Queue.MaxInFlightPerWorker, c.Pools["app"].Queue.Length = 1, 1
		if edit != nil {
			edit(c)
		}
	}, up.addr)
	r.dial().send("GET /served HTTP/1.1\r\nHost: h\r\n\r\n")
	r.eventually("the first request to be under way", func() bool { return up.requests() == 1 }, nil)
	waiting = r.dial()
	waiting.send("GET /waiting HTTP/1.1\r\nHost: h\r\n\r\n")
	r.eventually("the second to queue", func() bool { return r.pools["app"].QueueLength() == 1 }, nil)
	return r, up, waiting, free
}

// What is refused because the queue is full costs next to nothing: it is known
// before a cookie is verified, a body asked for, or a head written.
func TestShed_AFullQueueRefusesBeforeAnythingElse(t *testing.T) {
	r, up, waiting, free := crowded(t, func(c *config.Config) {
		c.Pools["app"].Sticky = config.Sticky{Cookie: "drover", TTL: config.Duration(time.Hour)}
	})
	s := r.server.listeners["tcp 127.0.0.1:0"].table.Load().own.sticky
	sign := s.signers.New
	s.signers.New = func() any {
		t.Error("a cookie was verified")
		return sign()
	}
	ticket := strings.Repeat("A", 60)

	c := r.dial()
	c.send("POST /shed HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\nCookie: drover=" + ticket + "\r\n\r\n")
	got := c.reply("POST")
	if got.StatusCode != 503 || !strings.HasPrefix(got.body, "queue-full: ") || got.Header.Get("Retry-After") != "1" ||
		got.Header.Get("Proxy-Status") != "drover; error=connection_limit_reached" {
		t.Errorf("%+v", got)
	}
	c.closeWrite()
	c.end()
	r.logged(func(l map[string]any) bool {
		return l["path"] == "/shed" && l["end"] == "queue-full" && l["status"] == 503.0 && l["bytesIn"] == 0.0 && l["attempts"] == 0.0 && l["queueWait"] == 0.0
	})
	if n := r.counter("drover_rejected_total", "reason", "queue-full"); n != 1 {
		t.Errorf("counted as rejected: %v", n)
	}
	if n := r.counter("drover_queue_wait_seconds", "pool", "app"); n != 0 {
		t.Errorf("%v waits are counted, and none is over", n)
	}

	// A small one keeps its connection, and is served when there is room.
	c = r.dial()
	small := "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	c.send(small)
	if got := c.reply("POST"); got.StatusCode != 503 {
		t.Errorf("%+v", got)
	}
	s.signers.New = sign
	close(free)
	if got := waiting.reply("GET"); got.body != "/waiting" {
		t.Errorf("what waited: %+v", got)
	}
	r.idle() // the answer is there a moment before the room
	c.send(small)
	if got := c.reply("POST"); got.body != "/smallabc" {
		t.Errorf("%+v", got)
	}
	if n := up.requests(); n != 3 {
		t.Errorf("%d requests went upstream", n)
	}
	r.idle()
	if n := r.counter("drover_queue_wait_seconds", "pool", "app"); n != 1 {
		t.Errorf("%v waits are counted", n)
	}
}

func TestShed_WhatHasAFallbackIsNotRefused(t *testing.T) {
	spare := answering(t, plain("spare"))
	r, _, _, free := crowded(t, spared(spare.addr))
	defer close(free)
	if got := r.ask(get); got.body != "spare" {
		t.Errorf("%+v", got)
	}
	if n := r.counter("drover_fallbacks_total", "pool", "app", "reason", "queue-full"); n != 1 {
		t.Errorf("counted: %v", n)
	}

	r, _, _, free = crowded(t, func(c *config.Config) {
		c.Pools["app"].Fallback = config.Fallback{Status: 200, Body: "busy", ContentType: "text/plain"}
	})
	defer close(free)
	if got := r.ask(get); got.StatusCode != 200 || got.body != "busy" {
		t.Errorf("%+v", got)
	}
	r.loggedEnd("queue-full", 200)
}
