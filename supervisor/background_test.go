package supervisor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// background is a pool that nothing sends requests to.
func background(workers int, change func(*config.Pool)) *config.Pool {
	return poolConfig(workers, func(c *config.Pool) {
		c.Background, c.ProcessManagement.Ready = true, "notify"
		if change != nil {
			change(c)
		}
	})
}

// atWork never listens and says that it is ready.
func atWork(string) behaviour { return behaviour{listens: -1, says: 200 * time.Millisecond} }

func TestBackground_ReadyByItsWordWithoutListening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, background(2, nil), atWork)
		f.settle(150 * time.Millisecond)
		f.want("app-1.1 starting, app-2.1 starting")
		f.settle(100 * time.Millisecond)
		f.want("app-1.1 running, app-2.1 running")
		if f.s.Ready() != 2 || f.s.Degraded() || len(f.pool.Snapshot().Upstreams) != 0 {
			t.Errorf("%d are ready, %d get requests", f.s.Ready(), len(f.pool.Snapshot().Upstreams))
		}
		if w := f.s.Workers()[0]; w.Address != "" || w.Network != "" || w.Health != "healthy" {
			t.Errorf("%+v", w)
		}
		if m := f.message(event.WorkerReady); !strings.Contains(m, "ready without listening") {
			t.Error(m)
		}
		if _, err := f.s.Restart(); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.want("app-1.2 running, app-2.2 running")
		if err := f.s.Scale(1); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.want("app-1.2 running")
		f.proc("app-1.2").Kill()
		f.settle(time.Second)
		f.want("app-1.3 running")
	})
}

func TestBackground_SaysWhatIsMissing(t *testing.T) {
	f := func(words string, behave func(string) behaviour, change func(*config.Pool)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(t, background(1, change), behave)
			f.settle(61 * time.Second)
			f.want("app-1.2 starting")
			if m := f.message(event.WorkerStartTimeout); !strings.Contains(m, words) {
				t.Error(m)
			}
		})
	}
	f("did not listen on $PORT, though it says that it is ready", atWork, func(c *config.Pool) { c.Background = false })
	f("where healthCheck.type tcp looks for it", atWork, func(c *config.Pool) { c.HealthCheck.Enabled, c.HealthCheck.Type = true, "tcp" })
	f(": it has not said that it is ready", only(behaviour{listens: -1}, "app-"), nil)
}

func TestBackground_WithoutAWordItIsReadyWhenItHasRunForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, background(1, func(c *config.Pool) { c.ProcessManagement.Ready = "probe" }), only(behaviour{listens: -1}, "app-"))
		f.settle(900 * time.Millisecond)
		f.want("app-1.1 starting")
		f.settle(200 * time.Millisecond)
		f.want("app-1.1 running")
	})
	never := func(b behaviour) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(t, background(1, func(c *config.Pool) { c.ProcessManagement.Ready = "probe" }), only(b, "app-"))
			f.settle(15 * time.Second)
			if hopeless, _ := f.s.Hopeless(); !hopeless || f.s.EverReady() {
				t.Errorf("hopeless: %v; %s", hopeless, f.states())
			}
		})
	}
	never(behaviour{listens: -1, ends: time.Millisecond, code: 1})
	never(behaviour{listens: -1, ends: 500 * time.Millisecond, code: 1, starting: 2 * time.Second})
}

func TestBackground_ProbesOverTheChannelWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, background(1, func(c *config.Pool) {
			c.HealthCheck.Enabled, c.HealthCheck.Type, c.ProcessManagement.Ready = true, "ipc", "probe"
		}), only(behaviour{listens: -1}, "app-"))
		f.settle(2 * time.Second)
		f.want("app-1.1 starting")
		f.pool.SetHealth("app-1.1", true, nil)
		f.settle(time.Second)
		f.want("app-1.1 running")
		f.pool.Get("app-1.1").SetProbe(pool.ProbeStatus{Failures: 3, FirstFailure: time.Now(), LastError: "no answer"})
		f.settle(2 * time.Second)
		if f.s.Restarts()[ReasonProbeFailed] != 1 {
			t.Errorf("one that hangs is not replaced: %s", f.states())
		}
	})
}

func TestBackground_OneThatListensLaterGetsItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, background(1, nil), only(behaviour{listens: 3 * time.Second, says: 100 * time.Millisecond}, "app-"))
		f.settle(time.Second)
		f.want("app-1.1 running")
		if err := f.s.WorkerDrain("app-1"); err != nil {
			t.Fatal(err)
		}
		f.settle(5 * time.Second)
		w := f.s.Workers()[0]
		if w.Address == "" || !w.Drained || w.State != Running || w.Health != "healthy" {
			t.Errorf("%+v", w)
		}
		if err := f.s.WorkerResume("app-1"); err != nil {
			t.Fatal(err)
		}
		if len(f.pool.Snapshot().Upstreams) != 1 {
			t.Error("it gets no requests")
		}
	})
}

func TestBackground_NobodyStealsAPortThatIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, background(1, nil), only(behaviour{foreign: true, says: 2 * time.Second}, "app-"))
		f.settle(5 * time.Second)
		f.want("app-1.1 running")
	})
}

func TestBackground_WhenRequestsMayComeOneThatListensTakesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := background(1, func(c *config.Pool) { c.ProcessManagement.MaxRestartDelay = config.Duration(5 * time.Second) })
		f := newFarm(t, cfg, func(id string) behaviour {
			if id == "app-1.1" || id == "app-1.2" {
				return atWork(id)
			}
			return behaviour{says: 200 * time.Millisecond}
		})
		f.settle(time.Second)
		used := *cfg
		used.Background = false
		if _, err := f.s.Reconfigure(&used, drainTime, false); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.want("app-1.1 running, app-1.2 starting")
		f.settle(62 * time.Second) // the replacement does not listen either: the old one stays, until the next try
		f.settle(10 * time.Second)
		f.want("app-1.3 running")
		if w := f.s.Workers()[0]; w.Address == "" || w.LastReason != ReasonReload {
			t.Errorf("%+v", w)
		}
	})
}
