package pool

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// breaking returns a pool of one upstream without ejection.
func breaking(bus *event.Bus) (*Pool, *Upstream) {
	cfg := settings("a")
	cfg.Outlier.Enabled = false
	p := New("p", cfg, bus)
	return p, p.Get("a")
}

var (
	ok  = Outcome{Result: Success, Status: 200}
	bad = Outcome{Result: Success, Status: 500}
)

func wantBreaker(t testing.TB, u *Upstream, want string) {
	t.Helper()
	if got := u.BreakerState(); got != want {
		t.Errorf("breaker is %q, want %q", got, want)
	}
}

func TestBreaker_LifeCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := event.NewBus(100)
		_, u := breaking(bus)
		wantBreaker(t, u, "closed")
		exchange(t, u, 10, ok)
		exchange(t, u, 9, bad)
		wantBreaker(t, u, "closed") // 9 of 19: too few, and not half
		exchange(t, u, 1, bad)
		wantBreaker(t, u, "open")
		if _, err := u.Acquire(); !errors.Is(err, ErrBreakerOpen) || u.Admission() != Tripped || u.InFlight() != 0 {
			t.Errorf("while open: %v", err)
		}
		time.Sleep(4900 * time.Millisecond)
		wantBreaker(t, u, "open")
		time.Sleep(200 * time.Millisecond) // turns without being asked
		wantBreaker(t, u, "half-open")
		trials := []Lease{acquire(t, u), acquire(t, u), acquire(t, u)}
		if _, err := u.Acquire(); !errors.Is(err, ErrBreakerOpen) || u.Admission() != Tripped {
			t.Errorf("a fourth trial: %v", err)
		}
		trials[0].Release(ok)
		trials[1].Release(bad)
		wantBreaker(t, u, "open")
		trials[2].Release(ok)
		time.Sleep(5100 * time.Millisecond)
		exchange(t, u, 3, ok)
		wantBreaker(t, u, "closed")
		if u.BreakerTrips() != 2 {
			t.Errorf("%d trips", u.BreakerTrips())
		}
		want := []event.Kind{
			event.BreakerOpened, event.BreakerHalfOpen,
			event.BreakerOpened, event.BreakerHalfOpen, event.BreakerClosed,
		}
		if got := kinds(bus, 0); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

func TestBreaker_WhatCounts(t *testing.T) {
	f := func(o Outcome, trips bool) {
		t.Helper()
		_, u := breaking(nil)
		exchange(t, u, 20, o)
		want := "closed"
		if trips {
			want = "open"
		}
		if got := u.BreakerState(); got != want {
			t.Errorf("20 × %+v: %s", o, got)
		}
	}
	f(Outcome{Result: ConnectFailed}, true)
	f(Outcome{Result: Reset}, true)
	f(Outcome{Result: Reset, Status: 200}, true)
	f(Outcome{Result: Timeout}, true)
	f(Outcome{Result: Invalid}, true)
	for _, status := range []int{500, 502, 503, 504} {
		f(Outcome{Result: Success, Status: status}, true)
	}
	for _, status := range []int{0, 101, 200, 404, 429, 501, 505} {
		f(Outcome{Result: Success, Status: status}, false)
	}
	f(Outcome{Result: Neutral}, false)
	f(Outcome{Result: Neutral, Status: 500}, false)
}

func TestBreaker_NeutralCountsNeitherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := breaking(nil)
		exchange(t, u, 1000, Outcome{Result: Neutral})
		exchange(t, u, 19, bad)
		wantBreaker(t, u, "closed")
		exchange(t, u, 1000, Outcome{Result: Neutral}) // does not dilute
		exchange(t, u, 1, bad)
		wantBreaker(t, u, "open")
		time.Sleep(5100 * time.Millisecond)
		exchange(t, u, 50, Outcome{Result: Neutral}) // neither closes nor uses up the trials
		wantBreaker(t, u, "half-open")
		exchange(t, u, 3, ok)
		wantBreaker(t, u, "closed")
	})
}

func TestBreaker_WindowMovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := breaking(nil)
		exchange(t, u, 19, bad)
		time.Sleep(11 * time.Second)
		exchange(t, u, 19, bad)
		wantBreaker(t, u, "closed")
		time.Sleep(5 * time.Second)
		exchange(t, u, 1, bad)
		wantBreaker(t, u, "open")
	})
}

func TestBreaker_InFlightDoesNotDilute(t *testing.T) {
	_, u := breaking(nil)
	for range 1000 {
		acquire(t, u)
	}
	exchange(t, u, 20, bad)
	wantBreaker(t, u, "open")
}

func TestBreaker_FullIsForgottenWhenATrialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := breaking(nil)
		exchange(t, u, 20, bad)
		time.Sleep(5100 * time.Millisecond)
		trials := []Lease{acquire(t, u), acquire(t, u), acquire(t, u)}
		if _, err := u.Acquire(); err == nil {
			t.Fatal("a fourth trial")
		}
		trials[0].Release(Outcome{Result: Neutral}) // the client left: its trial is free again
		if u.Admission() != Admitted {
			t.Errorf("admission %d", u.Admission())
		}
		acquire(t, u)
	})
}

func TestBreaker_LongTrialGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := breaking(nil)
		exchange(t, u, 20, bad)
		time.Sleep(5100 * time.Millisecond)
		trials := []Lease{acquire(t, u), acquire(t, u), acquire(t, u)}
		_, err := u.Acquire()
		if err == nil {
			t.Fatal("a fourth trial")
		}
		time.Sleep(5100 * time.Millisecond) // streams that go on for hours
		synctest.Wait()
		if u.Admission() != Admitted {
			t.Fatal("still full")
		}
		exchange(t, u, 2, ok)
		wantBreaker(t, u, "half-open")
		trials[0].Release(ok) // late, but its verdict counts
		wantBreaker(t, u, "closed")
		trials[1].Release(bad) // of another time
		wantBreaker(t, u, "closed")
	})
}

func TestBreaker_ReportEndsATrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := breaking(nil)
		exchange(t, u, 20, bad)
		time.Sleep(5100 * time.Millisecond)
		for range 3 {
			l := acquire(t, u) // a tunnel that stays
			l.Report(Outcome{Result: Success, Status: 101})
		}
		wantBreaker(t, u, "closed")
		if u.InFlight() != 3 {
			t.Errorf("%d in flight", u.InFlight())
		}
	})
}

func TestBreaker_ReconfiguredInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, u := breaking(nil)
		exchange(t, u, 20, bad)
		wantBreaker(t, u, "open")
		cfg := *p.Config()
		cfg.Retry.Attempts = 7 // nothing of the breaker's
		p.Reconfigure(&cfg)
		wantBreaker(t, u, "open")
		off := cfg
		off.CircuitBreaker = config.CircuitBreaker{}
		p.Reconfigure(&off)
		wantBreaker(t, u, "")
		exchange(t, u, 100, bad)
		p.Reconfigure(&cfg)
		wantBreaker(t, u, "closed")
		time.Sleep(time.Minute) // the first one's timer does not reach the present one
		wantBreaker(t, u, "closed")
		if u.BreakerTrips() != 1 {
			t.Errorf("%d trips", u.BreakerTrips())
		}
	})
}

// The full mark must not outlive the trials, whatever the order in which
// refusals and releases come.
func TestBreaker_FullMarkIsNeverStuck(t *testing.T) {
	cfg := settings("a")
	cfg.Outlier.Enabled = false
	cfg.CircuitBreaker.OpenFor = config.Duration(time.Millisecond)
	cfg.CircuitBreaker.MinRequests = 1
	cfg.CircuitBreaker.HalfOpenRequests = 2
	for range 30 {
		u := New("p", cfg, nil).Get("a")
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 300 {
					l, err := u.Acquire()
					if err != nil {
						continue
					}
					switch (i + g) % 5 {
					case 0:
						l.Release(bad)
					case 1:
						l.Release(Outcome{Result: Neutral})
					default:
						l.Release(ok)
					}
				}
			})
		}
		wg.Wait()
		deadline := time.Now().Add(10 * time.Second)
		for u.Admission() != Admitted {
			if time.Now().After(deadline) {
				t.Fatalf("stuck: breaker %s, gate %b", u.BreakerState(), u.gate.load())
			}
			time.Sleep(time.Millisecond)
		}
	}
}
