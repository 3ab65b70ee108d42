package proxy

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// deadAddress is one that refuses connections.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// More workers than attempts are gone, and the pool does not know it yet: the
// request goes to the one that takes their place.
func TestRetry_WorkersThatAreGoneCostNoAttempt(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Pools["app"].Outlier.Enabled = false
		c.Pools["app"].CircuitBreaker.Enabled = false
	})
	p := r.pools["app"]
	for slot := range 4 {
		id := fmt.Sprintf("app-%d", slot+1)
		if _, err := p.Add(pool.Spec{ID: id + ".1", Label: id, Network: "tcp", Address: deadAddress(t), Weight: 1, Spawned: true,
			Slot: slot + 1, Generation: 1, State: pool.Healthy}); err != nil {
			t.Fatal(err)
		}
	}
	c := r.dial()
	c.send(get)
	r.eventually("the request to have met each of them", func() bool {
		for _, u := range p.All() {
			if u.Requests() == 0 {
				return false
			}
		}
		return true
	}, nil)
	p.SetExpecting(true)
	for _, u := range p.All() {
		p.Remove(u.ID)
	}
	good := answering(t, plain("from the next generation"))
	if _, err := p.Add(pool.Spec{ID: "app-1.2", Label: "app-1", Network: "tcp", Address: good.addr, Weight: 1, Spawned: true,
		Slot: 1, Generation: 2, State: pool.Healthy}); err != nil {
		t.Fatal(err)
	}
	if got := c.reply("GET"); got.StatusCode != 200 {
		t.Errorf("%+v", got)
	}
	r.idle()
}

// A worker that is there and refuses is waited for no longer than the queue is.
func TestRetry_WorkerThatRefusesIsWaitedForAsInTheQueue(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Pools["app"].Outlier.Enabled = false
		c.Pools["app"].CircuitBreaker.Enabled = false
		c.Pools["app"].Queue.Timeout = config.Duration(100 * time.Millisecond)
	})
	if _, err := r.pools["app"].Add(pool.Spec{ID: "app-1.1", Label: "app-1", Network: "tcp", Address: deadAddress(t), Weight: 1, Spawned: true,
		Slot: 1, Generation: 1, State: pool.Healthy}); err != nil {
		t.Fatal(err)
	}
	if got := r.ask(get); got.StatusCode != 502 {
		t.Errorf("%+v", got)
	}
	r.loggedEnd("connect-failed", 502)
	r.idle()
}
