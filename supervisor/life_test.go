package supervisor

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/process"
)

func TestSupervisor_StartsAndStopsWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), nil)
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.1 running, app-3.1 running")
		if f.s.Ready() != 3 || f.s.Degraded() || !f.s.EverReady() || len(f.s.Targets()) != 3 || len(f.pool.Snapshot().Upstreams) != 3 {
			t.Errorf("ready %d, degraded %v", f.s.Ready(), f.s.Degraded())
		}
		if target := f.s.Targets()[2]; target.ID != "app-3.1" || target.Group != "app" || target.WatchLeaks || target.MemoryLimit != 0 || target.Requests != 0 {
			t.Errorf("target is %+v", target)
		}
		w := f.s.Workers()[2]
		if w.Slot != 3 || w.Generation != 1 || w.PID != f.proc("app-3.1").pid || w.Health != "healthy" || w.Address != "127.0.0.1:"+f.env("app-3.1", "PORT") ||
			w.Network != "tcp" || w.Restarts != 0 || w.LastReason != "" || w.Uptime != time.Second {
			t.Errorf("status is %+v", w)
		}
		f.finish()
		f.want("")
		if p := f.proc("app-1.1"); p.terms != 1 {
			t.Errorf("%d stop signals", p.terms)
		}
		if len(f.s.o.Ports.used) != 0 {
			t.Errorf("ports %v were not given back", f.s.o.Ports.used)
		}
	})
}

func TestSupervisor_OwnPauseTakesNoTimeFromWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, func(c *config.Pool) {
			c.ProcessManagement.StartTimeout = config.Duration(10 * time.Second)
		}), func(string) behaviour { return behaviour{listens: 8 * time.Second, takes: 8 * time.Second} })
		// pause makes it look as if drover alone had stood still.
		pause := func(d time.Duration) {
			f.s.mu.Lock()
			defer f.s.mu.Unlock()
			f.s.lastTick = f.s.lastTick.Add(-d)
			for _, w := range f.s.slots[0].workers() {
				w.since = w.since.Add(-d)
			}
		}
		f.settle(time.Second)
		pause(20 * time.Second)
		f.settle(time.Second)
		f.want("app-1.1 starting")
		f.settle(7 * time.Second)
		f.want("app-1.1 running")
		release := f.hold("app-1.1")
		if err := f.s.Scale(0); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		pause(drainTime)
		f.settle(time.Second)
		f.want("app-1.1 draining")
		release()
		f.settle(time.Second)
		f.want("app-1.1 stopping")
		pause(20 * time.Second) // gracefulShutdownTimeout is 10s
		f.settle(time.Second)
		if f.happened(event.WorkerKilled) != 0 {
			t.Error(f.message(event.WorkerKilled))
		}
	})
}

// What failed before the machine slept proves nothing afterwards.
func TestSupervisor_MachineSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asleep atomic.Int64
		f := newFarm(t, poolConfig(1, func(c *config.Pool) { c.HealthCheck.Enabled = true }), func(string) behaviour { return behaviour{} })
		f.s.mu.Lock()
		f.s.o.Asleep = func() time.Duration { return time.Duration(asleep.Load()) }
		f.s.mu.Unlock()
		f.settle(time.Second)
		f.pool.SetHealth("app-1.1", true, nil)
		f.settle(time.Second)
		asleep.Add(int64(time.Hour))
		f.settle(2 * tickEvery)
		f.pool.Get("app-1.1").SetProbe(pool.ProbeStatus{Failures: 3, FirstFailure: time.Now(), LastError: "timed out"})
		f.settle(10 * time.Second)
		f.want("app-1.1 running")
		f.settle(10 * time.Second) // more than a round of probes: it fails again and again
		f.want("app-1.2 starting")
	})
}

func TestSupervisor_CrashIsFollowedByTheNextGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), only(behaviour{ends: 5 * time.Second, code: 3, leaves: true}, "app-2.1"))
		f.settle(4 * time.Second)
		f.want("app-1.1 running, app-2.1 running")
		f.settle(1010 * time.Millisecond)
		f.want("app-1.1 running, app-2.1 backoff")
		if f.live() != 1 {
			t.Error("what the worker left behind still runs")
		}
		if n := len(f.pool.Snapshot().Upstreams); n != 1 {
			t.Errorf("%d upstreams get requests", n)
		}
		w := f.s.Workers()[1]
		if w.LastReason != ReasonCrash || !strings.Contains(w.LastFault(), "exit status 3") || w.RetryAt.IsZero() || w.Health != "unhealthy" {
			t.Errorf("status is %+v", w)
		}
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.2 running")
		if f.env("app-2.1", "PORT") == f.env("app-2.2", "PORT") {
			t.Error("the next worker got the same port")
		}
		if w := f.s.Workers()[1]; w.Restarts != 1 || f.s.Restarts()[ReasonCrash] != 1 {
			t.Errorf("restarts: %+v", f.s.Restarts())
		}
	})
}

func TestSupervisor_CrashAfterAMinuteRestartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), only(behaviour{ends: 2 * time.Minute}, "app-1.1"))
		f.settle(2*time.Minute + 10*time.Millisecond)
		f.want("app-1.2 running")
		if f.s.Restarts()[ReasonExit] != 1 {
			t.Errorf("restarts: %v", f.s.Restarts())
		}
	})
}

func TestSupervisor_SpentBudgetFailsTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := poolConfig(2, func(c *config.Pool) { c.ProcessManagement.MaxRestarts = 3 })
		works := 7
		f := newFarm(t, cfg, func(id string) behaviour {
			slot, g, _ := parseID("app", id)
			if slot == 1 && g < works {
				return behaviour{ends: 20 * time.Millisecond, code: 1, listens: -1}
			}
			return behaviour{}
		})
		f.settle(5 * time.Second)
		f.want("app-1.3 failed, app-2.1 running")
		if !f.s.Degraded() || f.happened(event.SlotFailed) != 1 || f.happened(event.PoolDegraded) != 1 {
			t.Error("nobody was told of the failed slot")
		}
		f.settle(60 * time.Second) // once every maxRestartDelay
		f.want("app-1.5 failed, app-2.1 running")
		f.settle(61 * time.Second)
		f.want("app-1.7 running, app-2.1 running")
		if f.happened(event.PoolRecovered) != 1 || f.s.Degraded() {
			t.Error("the pool did not recover")
		}
	})
}

func TestSupervisor_RespawnOffLetsItEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := poolConfig(2, func(c *config.Pool) { c.ProcessManagement.Respawn = false })
		f := newFarm(t, cfg, only(behaviour{ends: time.Second}, "app-1.1"))
		f.settle(time.Hour)
		f.want("app-1.1 stopped, app-2.1 running")
		if err := f.s.WorkerRestart("app-1"); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.want("app-1.2 running, app-2.1 running")
	})
}

func TestSupervisor_TimeThatStartingTakesIsNotTheWorkers(t *testing.T) {
	f := func(b behaviour, states string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(t, poolConfig(1, func(c *config.Pool) {
				c.ProcessManagement.StartTimeout = config.Duration(10 * time.Second)
			}), func(string) behaviour { return b })
			f.settle(18 * time.Second)
			f.want(states)
		})
	}
	f(behaviour{starting: 9 * time.Second, listens: 8 * time.Second}, "app-1.1 running")
	f(behaviour{starting: 12 * time.Second}, "app-1.2 starting") // it might never end
}

func TestSupervisor_NotReadyInTimeIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), only(behaviour{listens: -1, ignoreTerm: true}, "app-1.1"))
		f.settle(61 * time.Second)
		f.want("app-1.1 stopping")
		if m := f.message(event.WorkerStartTimeout); !strings.Contains(m, "did not listen on $PORT") {
			t.Error(m)
		}
		if hopeless, why := f.s.Hopeless(); !hopeless || !strings.Contains(why, "did not listen") {
			t.Errorf("hopeless: %v %s", hopeless, why)
		}
		f.settle(10 * time.Second) // killed after its grace
		f.want("app-1.2 running")
		if hopeless, _ := f.s.Hopeless(); hopeless {
			t.Error("a pool that works is hopeless")
		}
		if f.s.Restarts()[ReasonStartTimeout] != 1 || f.happened(event.WorkerKilled) != 1 {
			t.Errorf("restarts: %v", f.s.Restarts())
		}
	})
}

func TestSupervisor_ProbeMakesReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, func(c *config.Pool) { c.HealthCheck.Enabled = true }), nil)
		f.settle(10 * time.Second)
		f.want("app-1.1 starting")
		if up := f.pool.Get("app-1.1"); up == nil || up.State() != pool.Starting || up.Label != "app-1" || !up.Spawned {
			t.Fatalf("the upstream is %+v", up)
		}
		f.pool.SetHealth("app-1.1", true, nil)
		f.settle(0)
		f.want("app-1.1 running")
	})
}

func TestSupervisor_StolenPortIsNeverRoutedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), only(behaviour{foreign: true}, "app-1.1"))
		f.settle(200 * time.Millisecond)
		f.want("app-1.1 starting")
		f.settle(2 * time.Second)
		f.want("app-1.2 running")
		if f.s.Restarts()[ReasonPortStolen] != 1 || f.env("app-1.1", "PORT") == f.env("app-1.2", "PORT") {
			t.Errorf("restarts: %v", f.s.Restarts())
		}
		if f.happened(event.UpstreamHealthy) != 1 {
			t.Error("a foreign listener was routed to")
		}
	})
}

func TestSupervisor_CommandThatCannotStartIsHopeless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), only(behaviour{fails: errNoProgram}, "app-"))
		if !f.expected() {
			t.Error("requests do not wait for the first worker")
		}
		f.settle(10 * time.Millisecond)
		if hopeless, _ := f.s.Hopeless(); hopeless {
			t.Error("hopeless after one try")
		}
		f.settle(5 * time.Second)
		hopeless, why := f.s.Hopeless()
		if !hopeless || !strings.Contains(why, errNoProgram.Error()) || f.s.EverReady() {
			t.Errorf("hopeless: %v %s", hopeless, why)
		}
		if f.expected() {
			t.Error("requests wait though every slot is in a crash loop")
		}
	})
}

func TestSupervisor_RequestsWaitWhileAWorkerWillStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := poolConfig(1, func(c *config.Pool) {
			c.Queue.Timeout = config.Duration(time.Second)
			c.ProcessManagement.MaxRestarts = 1
		})
		f := newFarm(t, cfg, only(behaviour{ends: 10 * time.Second}, "app-1.1"))
		f.settle(5 * time.Second)
		if f.expected() {
			t.Error("somebody is expected though everybody is here")
		}
		f.settle(10 * time.Second)
		f.want("app-1.1 failed")
		if f.expected() {
			t.Error("requests wait for a worker that starts in half a minute")
		}
		f.settle(24500 * time.Millisecond)
		f.want("app-1.1 failed")
		if !f.expected() {
			t.Error("requests do not wait for a worker that starts in half a second")
		}
	})
}

func TestSupervisor_HungWorkerIsKilledAndReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, func(c *config.Pool) { c.HealthCheck.Enabled = true }), only(behaviour{ignoreTerm: true}, "app-1.1"))
		f.settle(time.Second)
		f.pool.SetHealth("app-1.1", true, nil)
		f.pool.SetHealth("app-2.1", true, nil)
		f.settle(time.Second)
		fail := func(id string, n int) {
			f.pool.Get(id).SetProbe(pool.ProbeStatus{Failures: n, FirstFailure: time.Now(), LastError: "timed out"})
			f.settle(time.Second)
		}
		fail("app-1.1", 2)
		f.want("app-1.1 running, app-2.1 running")
		f.pool.SetMaintenance("app-1.1", true)
		fail("app-1.1", 3)
		f.want("app-1.1 running, app-2.1 running")
		f.pool.SetMaintenance("app-1.1", false)
		f.settle(time.Second)
		f.want("app-1.2 starting, app-2.1 running")
		if m := f.message(event.WorkerKilled); !strings.Contains(m, "deadlock") || !strings.Contains(m, "timed out") {
			t.Error(m)
		}
		if p := f.proc("app-1.1"); p.terms != 0 || f.s.Restarts()[ReasonProbeFailed] != 1 {
			t.Errorf("%d stop signals, restarts %v", p.terms, f.s.Restarts())
		}
	})
}

func TestSupervisor_WhatNothingCanEndIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), only(behaviour{ignoreTerm: true, stuck: true}, "app-1.1"))
		f.settle(time.Second)
		if err := f.s.Scale(0); err != nil {
			t.Fatal(err)
		}
		f.settle(5 * time.Second)
		f.want("app-1.1 stopping")
		f.settle(30 * time.Second)
		f.want("")
		if !strings.Contains(f.message(event.WorkerKilled), "do not end by SIGKILL") {
			t.Error(f.message(event.WorkerKilled))
		}
		f.proc("app-1.1").end(process.Exit{}) // for the check that nothing is left
	})
}

func TestSupervisor_StopWaitsForRequestsButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(4, nil), func(id string) behaviour {
			switch id {
			case "app-3.1":
				return behaviour{ignoreTerm: true}
			case "app-4.1":
				return behaviour{takes: 4 * time.Second, leaves: true}
			}
			return behaviour{}
		})
		f.settle(time.Second)
		done := f.hold("app-1.1")
		forever := f.hold("app-2.1")
		f.stop()
		f.settle(5 * time.Second)
		f.want("app-1.1 draining, app-2.1 draining, app-3.1 stopping, app-4.1 stopping")
		done()
		f.settle(6 * time.Second) // gracefulShutdownTimeout is 10 s
		f.want("app-2.1 draining")
		select {
		case <-f.ended:
			t.Fatal("Run ended too early")
		default:
		}
		f.settle(20 * time.Second) // drain is 30 s
		f.want("")
		forever()
		<-f.ended
	})
}

func TestSupervisor_StopFastShortensEveryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), func(id string) behaviour {
			return behaviour{ignoreTerm: strings.HasPrefix(id, "app-2"), listens: map[bool]time.Duration{true: -1}[strings.HasPrefix(id, "app-3")]}
		})
		f.settle(time.Second)
		forever := f.hold("app-1.1")
		defer forever()
		f.stop()
		f.settle(time.Second)
		f.want("app-1.1 draining, app-2.1 stopping")
		f.s.StopFast()
		f.settle(1100 * time.Millisecond)
		f.want("")
		<-f.ended
	})
}

func TestSupervisor_OperatorsVerbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), nil)
		f.settle(time.Second)
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
			f.settle(time.Second)
		}
		no := func(err, want error) {
			t.Helper()
			if !errorIs(err, want) {
				t.Errorf("error is %v, want %v", err, want)
			}
		}
		ok(f.s.WorkerDrain("app-1"))
		f.want("app-1.1 running, app-2.1 running")
		if w := f.s.Workers()[0]; !w.Drained || len(f.pool.Snapshot().Upstreams) != 1 {
			t.Errorf("not drained: %+v", w)
		}
		ok(f.s.WorkerResume("app-1.1"))
		if w := f.s.Workers()[0]; w.Drained || len(f.pool.Snapshot().Upstreams) != 2 {
			t.Errorf("still drained: %+v", w)
		}
		for _, id := range []string{"app", "app-", "app-0", "app-9", "app-1.2", "app-1.x", "web-1", "app-1.1.1", ""} {
			no(f.s.WorkerDrain(id), ErrUnknownWorker)
			no(f.s.WorkerRestart(id), ErrUnknownWorker)
			no(f.s.WorkerStop(id), ErrUnknownWorker)
		}
		ok(f.s.WorkerStop("app-2"))
		f.want("app-1.1 running, app-2.1 stopped")
		no(f.s.WorkerStop("app-2"), ErrNotPossible)
		no(f.s.WorkerDrain("app-2"), ErrNotPossible)
		f.settle(time.Hour)
		f.want("app-1.1 running, app-2.1 stopped")
		ok(f.s.WorkerRestart("app-2"))
		f.want("app-1.1 running, app-2.2 running")
		release := f.hold("app-1.1")
		ok(f.s.WorkerRestart("app-1"))
		f.want("app-1.1 draining, app-1.2 running, app-2.2 running")
		no(f.s.WorkerRestart("app-1.1"), ErrNotPossible)
		no(f.s.WorkerStop("app-1.1"), ErrNotPossible)
		release()
		f.settle(time.Second)
		f.want("app-1.2 running, app-2.2 running")
		if got := f.s.Restarts(); got[ReasonOperator] != 2 || len(got) != 1 {
			t.Errorf("restarts: %v", got)
		}
	})
}

func TestSupervisor_OperatorsRestartKeepsTheOldWorkerWhenTheNewOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), only(behaviour{ends: time.Second, listens: -1}, "app-1.2"))
		f.settle(time.Second)
		if err := f.s.WorkerRestart("app-1"); err != nil {
			t.Fatal(err)
		}
		f.settle(500 * time.Millisecond)
		f.want("app-1.1 running, app-1.2 starting")
		if err := f.s.WorkerRestart("app-1"); !errorIs(err, ErrNotPossible) {
			t.Errorf("a second restart: %v", err)
		}
		f.settle(time.Minute)
		f.want("app-1.1 running")
		if !strings.Contains(f.message(event.RollFailed), "keeps serving") {
			t.Error(f.message(event.RollFailed))
		}
	})
}

func TestReasons_AreAClosedSet(t *testing.T) {
	all := Reasons()
	slices.Sort(all)
	if len(slices.Compact(all)) != len(Reasons()) {
		t.Errorf("reasons: %v", all)
	}
}
