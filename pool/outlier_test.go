package pool

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// ejecting returns a pool of n static upstreams, a0 …, without breakers.
func ejecting(n int, bus *event.Bus) *Pool {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("a%d", i))
	}
	cfg := settings(names...)
	cfg.CircuitBreaker.Enabled = false
	return New("p", cfg, bus)
}

var reset = Outcome{Result: Reset}

func TestOutlier_ErrorsInARowEject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := event.NewBus(10)
		p := ejecting(2, bus)
		u := p.Get("a0")
		exchange(t, u, 4, reset)
		exchange(t, u, 1, ok) // the row is broken
		exchange(t, u, 4, reset)
		wantEligible(t, p, "a0 a1")
		exchange(t, u, 3, Outcome{Result: Neutral}) // no part of the row
		exchange(t, u, 1, reset)
		wantEligible(t, p, "a1")
		if !u.Ejected() || u.State() != Healthy {
			t.Errorf("ejected %v, %s", u.Ejected(), u.State())
		}
		time.Sleep(9900 * time.Millisecond)
		wantEligible(t, p, "a1")
		time.Sleep(200 * time.Millisecond)
		wantEligible(t, p, "a0 a1")
		exchange(t, u, 4, reset) // a new row
		wantEligible(t, p, "a0 a1")
		want := []event.Kind{event.UpstreamEjected, event.UpstreamResumed}
		if got := kinds(bus, 0); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

func TestOutlier_WhatCounts(t *testing.T) {
	f := func(o Outcome, ejects bool) {
		t.Helper()
		p := ejecting(2, nil)
		u := p.Get("a0")
		exchange(t, u, 5, o)
		if u.Ejected() != ejects {
			t.Errorf("5 × %+v: ejected %v", o, u.Ejected())
		}
	}
	f(Outcome{Result: ConnectFailed}, true)
	f(Outcome{Result: Reset}, true)
	f(Outcome{Result: Timeout}, true)
	f(Outcome{Result: Invalid}, true)
	f(Outcome{Result: Success, Status: 502}, true)
	f(Outcome{Result: Success, Status: 503}, true)
	f(Outcome{Result: Success, Status: 504}, true)
	f(Outcome{Result: Success, Status: 500}, false)
	f(Outcome{Result: Success, Status: 404}, false)
	f(Outcome{Result: Neutral}, false)
}

func TestOutlier_NeverTheLastNorTooMany(t *testing.T) {
	f := func(n int, maxEjected float64, want int) {
		t.Helper()
		p := ejecting(n, nil)
		cfg := *p.Config()
		cfg.Outlier.MaxEjected = config.Percent(maxEjected)
		p.Reconfigure(&cfg)
		out := 0
		for _, u := range p.All() {
			exchange(t, u, 50, reset)
			if u.Ejected() {
				out++
			}
		}
		if out != want {
			t.Errorf("%d upstreams, at most %v%%: %d ejected, want %d", n, maxEjected, out, want)
		}
	}
	f(1, 50, 0)
	f(2, 50, 1)
	f(3, 50, 1)
	f(4, 50, 2)
	f(10, 50, 5)
	f(10, 20, 2)
	f(4, 100, 3)
	f(4, 0, 0)
}

func TestOutlier_LastThatIsWellStays(t *testing.T) {
	p := ejecting(4, nil)
	for _, id := range []string{"a1", "a2", "a3"} {
		p.SetDrained(id, true)
	}
	exchange(t, p.Get("a0"), 50, reset)
	wantEligible(t, p, "a0")
	if p.Get("a0").Ejected() {
		t.Error("the last one was ejected")
	}
	p.SetDrained("a1", false)
	exchange(t, p.Get("a0"), 5, reset) // the row goes on; now there is another
	wantEligible(t, p, "a1")
}

func TestOutlier_LongerEachTimeAndMadeUpFor(t *testing.T) {
	s := config.Outlier{EjectFor: config.Duration(10 * time.Second), MaxEjectFor: config.Duration(45 * time.Second)}
	var e ejection
	now := time.Unix(1000, 0)
	f := func(wellFor, want time.Duration) {
		t.Helper()
		if e.count > 0 {
			now = e.back
		}
		now = now.Add(wellFor)
		if got := e.next(now, s); got != want {
			t.Errorf("well for %s, then ejected for %s, want %s", wellFor, got, want)
		}
	}
	f(0, 10*time.Second)
	f(time.Second, 20*time.Second)
	f(9*time.Second, 30*time.Second)
	f(9*time.Second, 40*time.Second)
	f(9*time.Second, 45*time.Second)
	f(0, 45*time.Second)
	f(30*time.Second, 40*time.Second) // six, less three, and this one
	f(time.Hour, 10*time.Second)
}

func TestOutlier_RemovalAndSettingsEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := event.NewBus(10)
		p := ejecting(4, bus)
		exchange(t, p.Get("a0"), 5, reset)
		exchange(t, p.Get("a1"), 5, reset)
		wantEligible(t, p, "a2 a3")
		p.Remove("a0")
		cfg := *p.Config()
		cfg.Outlier.Enabled = false
		cfg.Upstreams = cfg.Upstreams[1:]
		p.Reconfigure(&cfg)
		wantEligible(t, p, "a1 a2 a3")
		exchange(t, p.Get("a1"), 50, reset)
		wantEligible(t, p, "a1 a2 a3")
		time.Sleep(time.Minute)
		if got := len(bus.Recent()); got != 2 {
			t.Errorf("%d events, want the two ejections: %v", got, kinds(bus, 0))
		}
	})
}
