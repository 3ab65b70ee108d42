package supervisor

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// serve has a worker answer n requests.
func (f *farm) serve(id string, n int) {
	f.t.Helper()
	for range n {
		f.hold(id)()
	}
}

// watch follows the pool for a time and returns the fewest upstreams that got
// requests and the most processes meanwhile.
func (f *farm) watch(d time.Duration) (fewest, most int) {
	fewest = len(f.pool.Snapshot().Upstreams)
	f.mu.Lock()
	f.most = 0
	f.mu.Unlock()
	for end := time.Now().Add(d); time.Now().Before(end); {
		f.settle(10 * time.Millisecond)
		fewest = min(fewest, len(f.pool.Snapshot().Upstreams))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return fewest, f.most
}

// started returns the workers that were started, in this order.
func (f *farm) started() []string {
	var order []string
	for _, e := range f.bus.Recent() {
		if e.Kind == event.WorkerStarted {
			order = append(order, e.Subject)
		}
	}
	return order
}

// slow is a worker that takes a second to start and one to end.
func slow(string) behaviour { return behaviour{listens: time.Second, takes: time.Second} }

func TestRecycle_ByRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, func(c *config.Pool) {
			c.ProcessManagement.MaxRequests, c.ProcessManagement.RecycleJitter = 100, 10
		}), slow)
		f.settle(2 * time.Second)
		f.serve("app-1.1", 89)
		f.pool.Get("app-1.1").SetProbe(pool.ProbeStatus{Passed: 1000})
		f.settle(5 * time.Second)
		f.want("app-1.1 running, app-2.1 running")
		f.serve("app-1.1", 11)
		release := f.hold("app-1.1")
		if fewest, most := f.watch(5 * time.Second); fewest != 2 || most != 3 {
			t.Errorf("at least %d ready, at most %d processes", fewest, most)
		}
		f.want("app-1.1 draining, app-1.2 running, app-2.1 running")
		release()
		f.settle(2 * time.Second)
		f.want("app-1.2 running, app-2.1 running")
		if got := f.s.Restarts(); got[ReasonMaxRequests] != 1 || len(got) != 1 {
			t.Errorf("restarts %v", got)
		}
		if m := f.message(event.WorkerRecycling); !strings.Contains(m, "app-1.1") || !strings.Contains(m, "100 requests") {
			t.Error(m)
		}
	})
}

func TestRecycle_ByLifetimeNotAllAtOnce(t *testing.T) {
	f := func(surge, unavailable, wantFewest, wantMost int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			f := newFarm(t, poolConfig(8, func(c *config.Pool) {
				pm := &c.ProcessManagement
				pm.MaxLifetime, pm.RecycleJitter = config.Duration(time.Minute), 50
				pm.Rolling = config.Rolling{MaxSurge: surge, MaxUnavailable: unavailable}
			}), slow)
			f.settle(2 * time.Second)
			if f.settle(28 * time.Second); f.happened(event.WorkerRecycling) != 0 {
				t.Errorf("recycled within half of the lifetime: %s", f.message(event.WorkerRecycling))
			}
			fewest, most := f.watch(36 * time.Second)
			if n := f.happened(event.WorkerRecycling); n < 8 {
				t.Errorf("%d were recycled: %s", n, f.states())
			}
			if fewest != wantFewest || most > wantMost {
				t.Errorf("surge %d, unavailable %d: at least %d ready, at most %d processes", surge, unavailable, fewest, most)
			}
			began := map[time.Time]int{}
			for _, e := range f.bus.Recent() {
				if e.Kind == event.WorkerRecycling {
					began[e.Time.Truncate(time.Second)]++
				}
			}
			if len(began) < 3 {
				t.Errorf("not spread: %v", began)
			}
		})
	}
	f(1, 0, 8, 9)
	f(0, 1, 7, 8)
}

func TestReplace_UnhealthyWorkersAreUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, func(c *config.Pool) {
			c.ProcessManagement.MaxRequests, c.ProcessManagement.Rolling = 10, config.Rolling{MaxUnavailable: 1}
		}), slow)
		f.settle(2 * time.Second)
		f.pool.SetHealth("app-2.1", false, errors.New("its disk is full"))
		f.pool.SetHealth("app-3.1", false, errors.New("its disk is full"))
		f.serve("app-1.1", 10)
		f.settle(10 * time.Second)
		f.want("app-1.1 running, app-2.1 running, app-3.1 running")
		// They are replaced first themselves, one at a time.
		r := f.restart()
		if fewest, most := f.watch(7 * time.Second); fewest != 1 || most != 3 || r.Err() != nil {
			t.Errorf("at least %d ready, at most %d processes, %v", fewest, most, r.Err())
		}
		if got := strings.Join(f.started()[3:], " "); got != "app-2.2 app-3.2 app-1.2" {
			t.Errorf("replaced by %s", got)
		}
		f.want("app-1.2 running, app-2.2 running, app-3.2 running")
	})
}

func TestRecycle_ItsFailureKeepsTheOldWorkerAndIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, func(c *config.Pool) {
			c.ProcessManagement.MaxRequests = 10
			c.ProcessManagement.MaxRestartDelay = config.Duration(30 * time.Second)
		}), only(behaviour{listens: -1, ends: time.Second, code: 1}, "app-1.2", "app-1.3"))
		f.settle(time.Second)
		f.serve("app-1.1", 10)
		f.settle(10 * time.Second)
		f.want("app-1.1 running")
		if m := f.message(event.RollFailed); !strings.Contains(m, "keeps serving") || !strings.Contains(m, "again in 30s") {
			t.Error(m)
		}
		if n := f.happened(event.WorkerStarted); n != 2 {
			t.Errorf("%d workers were started", n)
		}
		f.settle(25 * time.Second)
		f.want("app-1.1 running")
		f.settle(30 * time.Second)
		f.want("app-1.4 running")
		if f.s.Degraded() || f.happened(event.SlotFailed) != 0 {
			t.Error("a failed recycling counts against the budget")
		}
	})
}

func TestRecycle_DrainedWorkersAndRollsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, func(c *config.Pool) { c.ProcessManagement.MaxRequests = 10 }), slow)
		f.settle(2 * time.Second)
		f.serve("app-1.1", 10)
		f.pool.SetDrained("app-1.1", true)
		f.settle(10 * time.Second)
		f.want("app-1.1 running, app-2.1 running")
		f.serve("app-2.1", 9)
		r := f.restart()
		f.serve("app-2.1", 1)
		f.watchRoll(r)
		f.want("app-1.2 running, app-2.2 running")
		if got := f.s.Restarts(); r.Err() != nil || got[ReasonRoll] != 2 || got[ReasonMaxRequests] != 0 {
			t.Errorf("%v, restarts %v", r.Err(), got)
		}
	})
}

func TestRecycle_TheOneThatWaitsTheLongestGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, func(c *config.Pool) { c.ProcessManagement.MaxRequests = 10 }), slow)
		f.settle(2 * time.Second)
		f.serve("app-1.1", 10)
		f.settle(200 * time.Millisecond)
		f.serve("app-3.1", 10)
		f.settle(200 * time.Millisecond)
		f.serve("app-2.1", 10)
		// Slot 1 is due again before the others had their turn.
		f.settle(time.Second)
		f.serve("app-1.2", 10)
		f.settle(20 * time.Second)
		if got := strings.Join(f.started()[3:], " "); got != "app-1.2 app-3.2 app-2.2 app-1.3" {
			t.Errorf("replaced by %s", got)
		}
	})
}
