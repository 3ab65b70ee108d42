package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

func (f *farm) scale(n int) {
	f.t.Helper()
	if err := f.s.Scale(n); err != nil {
		f.t.Error(err)
	}
}

func TestScale_OutAddsSlotsAndInTakesTheHighest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, nil), nil)
		f.settle(time.Second)
		f.scale(4)
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.1 running, app-3.1 running, app-4.1 running")
		release := f.hold("app-4.1")
		f.scale(1)
		f.settle(time.Second)
		f.want("app-1.1 running, app-4.1 draining")
		f.scale(4) // the slot of the one that still drains is used again
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.2 running, app-3.2 running, app-4.1 draining, app-4.2 running")
		release()
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.2 running, app-3.2 running, app-4.2 running")
		if f.s.Size() != 4 || f.happened(event.PoolScaled) != 3 {
			t.Errorf("size %d, %d events", f.s.Size(), f.happened(event.PoolScaled))
		}
		if err := f.s.ScaleAuto(); err != nil {
			t.Error(err)
		}
		f.settle(time.Second)
		f.want("app-1.1 running, app-2.2 running")
		f.scale(0)
		f.settle(time.Second)
		f.want("")
		if f.expected() {
			t.Error("a pool of none expects somebody")
		}
		f.scale(1)
		f.settle(time.Second)
		f.want("app-1.2 running")
		if len(f.s.Restarts()) != 0 {
			t.Errorf("scaling counts as restarts: %v", f.s.Restarts())
		}
	})
}

func TestScale_RefusesNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), nil)
		f.settle(time.Second)
		for _, n := range []int{-1, MaxWorkers + 1} {
			if f.s.Scale(n) == nil {
				t.Errorf("%d workers were accepted", n)
			}
		}
		f.finish()
		if err := f.s.Scale(2); !errorIs(err, ErrStopping) {
			t.Errorf("scale after the end: %v", err)
		}
		if _, err := f.s.Restart(); !errorIs(err, ErrStopping) {
			t.Errorf("restart after the end: %v", err)
		}
	})
}

func TestScale_DuringBootTakesThoseThatAreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(4, nil), only(behaviour{listens: 5 * time.Second}, "app-1", "app-3"))
		f.settle(time.Second)
		f.want("app-1.1 starting, app-2.1 running, app-3.1 starting, app-4.1 running")
		f.scale(2)
		f.settle(time.Second)
		f.want("app-2.1 running, app-4.1 running")
		f.scale(3)
		f.settle(time.Second)
		f.want("app-1.2 starting, app-2.1 running, app-4.1 running")
	})
}

func TestScale_InTakesFailedAndStoppedSlotsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(4, func(c *config.Pool) { c.ProcessManagement.MaxRestarts = 1 }), only(behaviour{ends: 10 * time.Millisecond, listens: -1}, "app-1"))
		f.settle(time.Second)
		if err := f.s.WorkerStop("app-2"); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.want("app-1.1 failed, app-2.1 stopped, app-3.1 running, app-4.1 running")
		f.scale(2)
		f.settle(time.Second)
		f.want("app-3.1 running, app-4.1 running")
		if f.s.Degraded() {
			t.Error("degraded by a slot that is not wanted")
		}
		f.scale(3)
		f.settle(10 * time.Millisecond)
		f.scale(4)
		f.settle(time.Second)
		f.want("app-1.2 failed, app-2.2 running, app-3.1 running, app-4.1 running")
	})
}

func TestScale_SettingsWinWhenTheyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), nil)
		f.settle(time.Second)
		f.scale(3)
		apply := func(workers, want int) {
			t.Helper()
			if _, err := f.s.Reconfigure(poolConfig(workers, nil), drainTime, false); err != nil {
				t.Error(err)
			}
			f.settle(time.Second)
			if f.s.Size() != want || f.s.Ready() != want {
				t.Errorf("size %d, ready %d, want %d", f.s.Size(), f.s.Ready(), want)
			}
		}
		apply(1, 3)
		apply(2, 2)
	})
}
