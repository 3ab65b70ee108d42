package supervisor

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// watchRoll follows a roll to its end and returns the fewest upstreams that got
// requests and the most processes meanwhile.
func (f *farm) watchRoll(r *Roll) (fewest, most int) {
	f.t.Helper()
	fewest = len(f.pool.Snapshot().Upstreams)
	f.mu.Lock()
	f.most = 0
	f.mu.Unlock()
	for range 20_000 {
		select {
		case <-r.Done():
			f.settle(0)
			f.mu.Lock()
			defer f.mu.Unlock()
			return fewest, f.most
		default:
		}
		f.settle(10 * time.Millisecond)
		fewest = min(fewest, len(f.pool.Snapshot().Upstreams))
	}
	f.t.Fatalf("the roll does not end: %s", f.states())
	return 0, 0
}

func (f *farm) restart() *Roll {
	f.t.Helper()
	r, err := f.s.Restart()
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func TestRoll_NewIsReadyBeforeOldDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), func(string) behaviour { return behaviour{listens: time.Second, takes: time.Second} })
		f.settle(2 * time.Second)
		r := f.restart()
		if _, err := f.s.Restart(); !errorIs(err, ErrRollInProgress) {
			t.Errorf("a second roll: %v", err)
		}
		fewest, most := f.watchRoll(r)
		if r.Err() != nil || fewest != 3 || most != 4 {
			t.Errorf("%v; at least %d ready, at most %d processes", r.Err(), fewest, most)
		}
		f.want("app-1.2 running, app-2.2 running, app-3.2 running")
		if got := f.s.Restarts(); got[ReasonRoll] != 3 || len(got) != 1 {
			t.Errorf("restarts: %v", got)
		}
		if f.happened(event.RollStarted) != 1 || f.happened(event.RollFinished) != 1 || !strings.HasPrefix(r.ID, "roll-app-") {
			t.Error("the roll was not told of")
		}
		if w := f.s.Workers()[0]; w.LastReason != ReasonRoll || w.LastFault() != "" {
			t.Errorf("status %+v", w)
		}
	})
}

func TestRoll_OldWorkerDrainsBeforeTheNextIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), nil)
		f.settle(time.Second)
		release := f.hold("app-1.1")
		r := f.restart()
		f.settle(5 * time.Second)
		f.want("app-1.1 draining, app-1.2 running, app-2.1 running")
		if f.proc("app-1.1").terms != 0 {
			t.Error("stopped with a request in flight")
		}
		release()
		f.watchRoll(r)
		f.want("app-1.2 running, app-2.2 running")
	})
}

func TestRoll_LimitsAreKept(t *testing.T) {
	f := func(surge, unavailable, wantFewest, wantMost int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			f := newFarm(t, poolConfig(4, func(c *config.Pool) {
				c.ProcessManagement.Rolling = config.Rolling{MaxSurge: surge, MaxUnavailable: unavailable}
			}), func(string) behaviour { return behaviour{listens: time.Second, takes: time.Second} })
			f.settle(2 * time.Second)
			r := f.restart()
			fewest, most := f.watchRoll(r)
			if r.Err() != nil || fewest != wantFewest || most > wantMost {
				t.Errorf("surge %d, unavailable %d: %v; at least %d ready, at most %d processes", surge, unavailable, r.Err(), fewest, most)
			}
			f.want("app-1.2 running, app-2.2 running, app-3.2 running, app-4.2 running")
		})
	}
	f(1, 0, 4, 5)
	f(2, 0, 4, 6)
	f(4, 0, 4, 8)
	f(0, 1, 3, 4)
	f(0, 2, 2, 4)
	f(1, 1, 3, 5)
	f(0, 0, 4, 5) // taken as surge 1
}

func TestRoll_IsAbandonedWhenANewWorkerDoesNotBecomeReady(t *testing.T) {
	f := func(surge, unavailable int, b behaviour, wantWords string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			f := newFarm(t, poolConfig(3, func(c *config.Pool) {
				c.ProcessManagement.StartTimeout = config.Duration(3 * time.Second)
				c.ProcessManagement.Rolling = config.Rolling{MaxSurge: surge, MaxUnavailable: unavailable}
			}), func(id string) behaviour {
				if slot, g, _ := parseID("app", id); slot == 2 && g == 2 {
					return b
				}
				return behaviour{}
			})
			f.settle(2 * time.Second)
			r := f.restart()
			fewest, _ := f.watchRoll(r)
			if !errorIs(r.Err(), ErrRolledBack) || !strings.Contains(r.Err().Error(), wantWords) || fewest < 3-unavailable {
				t.Errorf("ended with %v, at least %d ready", r.Err(), fewest)
			}
			f.settle(time.Minute)
			if f.s.Ready() != 3 || f.happened(event.RollFailed) != 1 {
				t.Errorf("ready %d: %s", f.s.Ready(), f.states())
			}
			if surge > 0 {
				f.want("app-1.2 running, app-2.1 running, app-3.1 running")
			} else {
				f.want("app-1.2 running, app-2.3 running, app-3.1 running")
			}
			r = f.restart() // another try
			f.watchRoll(r)
			if r.Err() != nil || f.s.Ready() != 3 {
				t.Errorf("again: %v", r.Err())
			}
		})
	}
	f(1, 0, behaviour{ends: time.Second, code: 1, listens: -1}, "exit status 1")
	f(1, 0, behaviour{listens: -1}, "did not listen")
	f(1, 0, behaviour{fails: errNoProgram}, errNoProgram.Error())
	f(0, 1, behaviour{ends: time.Second, code: 1, listens: -1}, "exit status 1")
	f(0, 1, behaviour{listens: -1, ignoreTerm: true}, "did not listen")
}

func TestRoll_StolenPortIsNotTheNewWorkersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), only(behaviour{foreign: true}, "app-1.2"))
		f.settle(time.Second)
		r := f.restart()
		if fewest, _ := f.watchRoll(r); r.Err() != nil || fewest != 1 {
			t.Errorf("%v, at least %d ready", r.Err(), fewest)
		}
		f.want("app-1.3 running")
	})
}

func TestRoll_StartsFailedAndStoppedSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, func(c *config.Pool) { c.ProcessManagement.MaxRestarts = 1 }), only(behaviour{ends: time.Second, listens: -1}, "app-1.1"))
		f.settle(2 * time.Second)
		if err := f.s.WorkerStop("app-2"); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.want("app-1.1 failed, app-2.1 stopped, app-3.1 running")
		r := f.restart()
		f.watchRoll(r)
		f.want("app-1.2 running, app-2.2 running, app-3.2 running")
		if r.Err() != nil || f.s.Degraded() {
			t.Errorf("%v, degraded %v", r.Err(), f.s.Degraded())
		}
	})
}

func TestRoll_EndsWithStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), generation(2, behaviour{listens: 5 * time.Second}))
		f.settle(time.Second)
		r := f.restart()
		f.settle(time.Second)
		f.want("app-1.1 running, app-1.2 starting, app-2.1 running, app-3.1 running")
		f.finish()
		if <-r.Done(); !errorIs(r.Err(), ErrStopping) {
			t.Errorf("the roll ended with %v", r.Err())
		}
	})
}

func TestRoll_ScaleInAndOutMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(4, nil), generation(2, behaviour{listens: 2 * time.Second}))
		f.settle(time.Second)
		r := f.restart()
		f.settle(time.Second)
		f.scale(2)
		f.settle(500 * time.Millisecond)
		f.want("app-1.1 running, app-1.2 starting, app-2.1 running")
		f.scale(3)
		f.watchRoll(r)
		f.want("app-1.2 running, app-2.2 running, app-3.2 running")
		r = f.restart()
		f.scale(0)
		f.watchRoll(r)
		if r.Err() != nil {
			t.Error(r.Err())
		}
		f.settle(5 * time.Second)
		f.want("")
	})
}

func TestRoll_CrashesOfOldWorkersMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), func(id string) behaviour {
			switch id {
			case "app-1.1", "app-3.1":
				return behaviour{ends: 3 * time.Second, code: 1}
			}
			return behaviour{listens: 2 * time.Second}
		})
		f.settle(2500 * time.Millisecond)
		r := f.restart() // app-1.1 and app-3.1 end while the new workers start
		f.watchRoll(r)
		if r.Err() != nil || f.s.Ready() != 3 {
			t.Errorf("%v: %s", r.Err(), f.states())
		}
		for _, w := range f.s.Workers() {
			if w.Generation < 2 {
				t.Errorf("an old worker is left: %s", f.states())
			}
		}
	})
}

func TestReload_ChangedCommandRolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), nil)
		f.settle(time.Second)
		cfg := poolConfig(2, func(c *config.Pool) { c.Command = []string{"new", "${PORT}"} })
		r, err := f.s.Reconfigure(cfg, drainTime, true)
		if err != nil {
			t.Fatal(err)
		}
		f.watchRoll(r)
		if got := f.proc("app-2.2").spec.Argv; r.Err() != nil || !slices.Equal(got, []string{"new", f.env("app-2.2", "PORT")}) {
			t.Errorf("%v, argv %q", r.Err(), got)
		}
		if f.s.Restarts()[ReasonReload] != 2 {
			t.Errorf("restarts: %v", f.s.Restarts())
		}
	})
}

func TestReload_FailureKeepsTheSettingsThatWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), only(behaviour{fails: errNoProgram}, "app-1.2"))
		f.settle(time.Second)
		cfg := poolConfig(2, func(c *config.Pool) {
			c.Command = []string{"broken"}
			c.ProcessManagement.StartTimeout = config.Duration(time.Second)
		})
		r, err := f.s.Reconfigure(cfg, drainTime, true)
		if err != nil {
			t.Fatal(err)
		}
		f.watchRoll(r)
		if !errorIs(r.Err(), ErrRolledBack) {
			t.Fatal(r.Err())
		}
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.1 running")
		f.proc("app-2.1").Kill()
		f.settle(5 * time.Second)
		f.want("app-1.1 running, app-2.2 running")
		if got := f.proc("app-2.2").spec.Argv[0]; got != "app" {
			t.Errorf("after the crash %q was started", got)
		}
		// an operator's restart tries the newest settings again
		r = f.restart()
		f.watchRoll(r)
		if got := f.proc("app-2.3").spec.Argv[0]; r.Err() != nil || got != "broken" {
			t.Errorf("%v: %q was started", r.Err(), got)
		}
	})
}

func TestReload_NewerSettingsTakeThePlaceOfARoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), generation(2, behaviour{listens: 5 * time.Second}))
		f.settle(time.Second)
		first := f.restart()
		f.settle(8 * time.Second)
		f.want("app-1.2 running, app-2.1 running, app-2.2 starting, app-3.1 running")
		second, err := f.s.Reconfigure(poolConfig(3, func(c *config.Pool) { c.Command = []string{"new"} }), drainTime, true)
		if err != nil {
			t.Fatal(err)
		}
		if <-first.Done(); !errorIs(first.Err(), ErrNotPossible) {
			t.Errorf("the first roll ended with %v", first.Err())
		}
		if fewest, _ := f.watchRoll(second); second.Err() != nil || fewest != 3 {
			t.Errorf("%v, at least %d ready", second.Err(), fewest)
		}
		for _, w := range f.s.Workers() {
			if got := f.proc(w.ID).spec.Argv[0]; got != "new" {
				t.Errorf("%s runs %q", w.ID, got)
			}
		}
	})
}

func TestReload_MendsAPoolThatNeverWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), func(id string) behaviour {
			if _, g, _ := parseID("app", id); g <= 2 {
				return behaviour{listens: -1, ends: 10 * time.Millisecond, code: 1}
			}
			return behaviour{}
		})
		f.settle(190 * time.Millisecond)
		r, err := f.s.Reconfigure(poolConfig(2, func(c *config.Pool) { c.Command = []string{"new"} }), drainTime, true)
		if err != nil {
			t.Fatal(err)
		}
		for f.s.Ready() < 2 {
			f.settle(100 * time.Millisecond)
		}
		_ = r // whether it was the roll or the restart after it depends on the jitter
	})
}

func TestReload_OtherSettingsApplyInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), nil)
		f.settle(time.Second)
		cfg := poolConfig(1, func(c *config.Pool) { c.ProcessManagement.GracefulShutdownTimeout = config.Duration(time.Minute) })
		r, err := f.s.Reconfigure(cfg, time.Second, false)
		if r != nil || err != nil {
			t.Fatal(r, err)
		}
		f.settle(time.Second)
		f.want("app-1.1 running")
		forever := f.hold("app-1.1")
		defer forever()
		f.stop()
		f.settle(1100 * time.Millisecond) // the new drain time
		f.want("")
	})
}
