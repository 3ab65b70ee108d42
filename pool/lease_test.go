package pool

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestAcquire_Refusals(t *testing.T) {
	f := func(what string, shut func(p *Pool, u *Upstream), want error, admission Admission) {
		t.Helper()
		cfg := settings("a", "b")
		cfg.Queue.MaxInFlightPerWorker = 2
		p := New("p", cfg, nil)
		u := p.Get("a")
		shut(p, u)
		before := u.InFlight()
		if a := u.Admission(); a != admission {
			t.Errorf("%s: admission %d, want %d", what, a, admission)
		}
		l, err := u.Acquire()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if err != nil && u.InFlight() != before {
			t.Errorf("%s: the refused one is counted", what)
		}
		l.Release(Outcome{}) // of a refused one: does nothing
		if err != nil && u.InFlight() != before {
			t.Errorf("%s: released what was never acquired", what)
		}
	}
	f("nothing", func(*Pool, *Upstream) {}, nil, Admitted)
	f("draining", func(p *Pool, u *Upstream) { p.StartDrain(u.ID) }, ErrDraining, Shut)
	f("drained", func(p *Pool, u *Upstream) { p.SetDrained(u.ID, true) }, ErrDraining, Shut)
	f("maintenance", func(p *Pool, u *Upstream) { p.SetMaintenance(u.ID, true) }, ErrDraining, Shut)
	f("removed", func(p *Pool, u *Upstream) { p.Remove(u.ID) }, ErrDraining, Shut)
	f("full", func(_ *Pool, u *Upstream) { u.inFlight.Store(2) }, ErrSaturated, Saturated)
	f("breaker", func(_ *Pool, u *Upstream) { u.gate.raise(gateTripped) }, ErrBreakerOpen, Tripped)
	f("draining and full", func(p *Pool, u *Upstream) { u.inFlight.Store(2); p.StartDrain(u.ID) }, ErrDraining, Shut)
	// Not eligible any more, but a request that picked it a moment ago may have it.
	f("ill", func(p *Pool, u *Upstream) { p.SetHealth(u.ID, false, nil) }, nil, Shut)
}

func TestRelease_OnceCounts(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	l := acquire(t, u)
	l.Release(Outcome{Result: Success, Status: 200})
	l.Release(Outcome{Result: Reset})
	if u.InFlight() != 0 || u.Requests() != 1 || u.ErrorRate() != 0 {
		t.Errorf("%d in flight, %d requests, error rate %v", u.InFlight(), u.Requests(), u.ErrorRate())
	}
}

func TestReport_BeforeRelease(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	l := acquire(t, u)
	l.Report(Outcome{Result: Success, Status: 101})
	if u.InFlight() != 1 || u.Requests() != 1 || u.LastSuccess().IsZero() {
		t.Errorf("after Report: %d in flight, %d requests", u.InFlight(), u.Requests())
	}
	if text := u.LastSuccess().String(); !strings.Contains(text, " m=+") {
		t.Errorf("%s is the time of day, which may be set", text)
	}
	l.Report(Outcome{Result: Reset})
	l.Release(Outcome{Result: Reset})
	if u.InFlight() != 0 || u.Requests() != 1 || u.ErrorRate() != 0 {
		t.Errorf("after Release: %d in flight, %d requests, error rate %v", u.InFlight(), u.Requests(), u.ErrorRate())
	}
}

func TestRelease_AfterRemoval(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	l := acquire(t, u)
	p.Remove("a")
	l.Release(Outcome{Result: Success, Status: 200})
	if u.InFlight() != 0 || u.State() != Removed {
		t.Errorf("%d in flight, %s", u.InFlight(), u.State())
	}
}

func TestAcquire_Allocations(t *testing.T) {
	f := func(what string, cfg *config.Pool, most float64) {
		t.Helper()
		u := New("p", cfg, nil).Get("a")
		if n := testing.AllocsPerRun(1000, func() {
			l, err := u.Acquire()
			if err != nil {
				t.Fatal(err)
			}
			l.Release(Outcome{Result: Success, Status: 200, Latency: 1})
		}); n > most {
			t.Errorf("%s: %v allocations, want at most %v", what, n, most)
		}
	}
	f("with the breaker", settings("a"), 2)
	cfg := settings("a")
	cfg.CircuitBreaker.Enabled = false
	f("without", cfg, 0)
	cfg = settings("a")
	cfg.Queue.MaxInFlightPerWorker = 10
	f("with a limit", cfg, 2)
}

func TestDrain_IdleIsTold(t *testing.T) {
	f := func(what string, drain func(p *Pool)) {
		t.Helper()
		p := New("p", settings("a", "b"), nil)
		u := p.Get("a")
		one, two := acquire(t, u), acquire(t, u)
		changed, cancel := p.Subscribe()
		defer cancel()
		drain(p)
		if !token(changed) {
			t.Errorf("%s: its beginning was not told", what)
		}
		if one.Release(Outcome{}); token(changed) {
			t.Errorf("%s: told though one is in flight", what)
		}
		if two.Release(Outcome{}); !token(changed) {
			t.Errorf("%s: idleness was not told", what)
		}
		b := acquire(t, p.Get("b"))
		if b.Release(Outcome{}); token(changed) {
			t.Errorf("%s: told of one that is not draining", what)
		}
	}
	f("draining", func(p *Pool) { p.StartDrain("a") })
	f("drained", func(p *Pool) { p.SetDrained("a", true) })
	f("maintenance", func(p *Pool) { p.SetMaintenance("a", true) })
}

// A request is either refused or seen by the drain: after the drain began and
// the count was 0, nothing is ever in flight.
func TestDrain_NeverMissesARequest(t *testing.T) {
	for range 200 {
		p := New("p", settings("a"), nil)
		u := p.Get("a")
		changed, cancel := p.Subscribe()
		var wg sync.WaitGroup
		quiet := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				for {
					l, err := u.Acquire()
					if err != nil {
						return
					}
					select {
					case <-quiet:
						t.Error("acquired after the drain was over")
					default:
					}
					l.Release(Outcome{Result: Success, Status: 200})
				}
			})
		}
		p.StartDrain("a")
		for u.InFlight() != 0 {
			<-changed // a lost token would hang the test
		}
		close(quiet)
		wg.Wait()
		cancel()
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	f := func(name string, breaker bool) {
		b.Run(name, func(b *testing.B) {
			cfg := settings("a")
			cfg.CircuitBreaker.Enabled = breaker
			u := New("p", cfg, nil).Get("a")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l, err := u.Acquire()
					if err != nil {
						b.Fatal(err)
					}
					l.Release(Outcome{Result: Success, Status: 200, Latency: 1000})
				}
			})
		})
	}
	f("breaker", true)
	f("plain", false)
}
