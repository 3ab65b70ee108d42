package supervisor

import (
	"strings"
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

// reconfigure applies settings that need no roll.
func (f *farm) reconfigure(c *config.Pool) {
	f.t.Helper()
	if _, err := f.s.Reconfigure(c, drainTime, false); err != nil {
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
		var others []func() // app-1 has the most, so it stays
		for range 2 {
			others = append(others, f.hold("app-1.1"))
		}
		f.scale(1)
		f.settle(time.Second)
		f.want("app-1.1 running, app-4.1 draining")
		for _, end := range others {
			end()
		}
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
			f.reconfigure(poolConfig(workers, nil))
			f.settle(time.Second)
			if f.s.Size() != want || f.s.Ready() != want {
				t.Errorf("size %d, ready %d, want %d", f.s.Size(), f.s.Ready(), want)
			}
		}
		apply(1, 3)
		apply(2, 2)
	})
}

func TestScale_InTakesTheWorkerWithTheFewestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(3, nil), nil)
		f.settle(time.Second)
		for _, id := range []string{"app-1.1", "app-1.1", "app-3.1"} {
			defer f.hold(id)()
		}
		f.scale(2)
		f.settle(time.Second)
		f.want("app-1.1 running, app-3.1 running")
		f.scale(1)
		f.settle(time.Second)
		f.want("app-1.1 running, app-3.1 draining")
	})
}

func TestCapacity_DoesNotCountOnACrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(2, func(c *config.Pool) { c.ProcessManagement.MaxRestarts = 100 }), only(behaviour{ends: 10 * time.Millisecond, listens: -1}, "app-2"))
		f.settle(30 * time.Second)
		if got := f.states(); strings.Contains(got, "app-2.1 ") || strings.Contains(got, "app-2.2 ") || !strings.Contains(got, "app-2.") {
			t.Fatal(got) // not a loop; whether it waits or is tried at this moment does not matter
		}
		if got := f.s.Capacity(); got != (Capacity{Wanted: 2}) {
			t.Errorf("%+v", got)
		}
	})
}

// scaled are the settings of a pool of which autoscaling may make two to five.
func scaled(workers config.Count, change func(*config.AutoScaling)) *config.Pool {
	return poolConfig(1, func(c *config.Pool) {
		c.Workers = workers
		c.AutoScaling.Enabled, c.AutoScaling.MinWorkers, c.AutoScaling.MaxWorkers = true, 2, 5
		if change != nil {
			change(&c.AutoScaling)
		}
	})
}

func TestAdjust_StaysWithinTheBoundsAndBehindTheOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, scaled(3, nil), nil)
		f.settle(time.Second)
		size := func(what string, want int) {
			t.Helper()
			f.settle(time.Second)
			if f.s.Size() != want || f.s.Ready() != want {
				t.Errorf("%s: size %d, ready %d, want %d", what, f.s.Size(), f.s.Ready(), want)
			}
		}
		adjust := func(n int, changes bool) {
			t.Helper()
			if got := f.s.Adjust(n, "cpu", "much to do", map[string]any{"cpuPercent": 90.0}); got != changes {
				t.Errorf("adjust to %d: changed %v", n, got)
			}
		}
		auto := func() {
			t.Helper()
			if err := f.s.ScaleAuto(); err != nil {
				t.Error(err)
			}
		}
		size("the number to start with", 3)
		adjust(4, true)
		size("one more", 4)
		adjust(4, false)
		adjust(9, true)
		size("not above the most", 5)
		adjust(1, true)
		size("not below the fewest", 2)
		f.scale(7)
		size("an operator may", 7)
		adjust(3, false)
		size("and is respected", 7)
		auto()
		size("until autoscaling goes on, from there", 5)
		adjust(4, true)
		auto()
		size("which it did already", 4)
		f.scale(1)
		f.reconfigure(scaled(3, func(a *config.AutoScaling) { a.MaxWorkers = 3 }))
		size("until the settings change", 2)
		adjust(5, true)
		size("new bounds", 3)
		f.reconfigure(scaled(2, nil))
		size("another number to start with is not for those that run", 3)
		f.scale(5)
		f.reconfigure(scaled(4, nil))
		size("but ends an operator's number, and autoscaling goes on from there", 5)
		adjust(4, true)
		off := scaled(4, nil)
		off.AutoScaling.Enabled = false
		f.reconfigure(off)
		adjust(3, false)
		size("without autoscaling", 4)

		var last event.Event
		for _, e := range f.bus.Recent() {
			if e.Kind == event.PoolScaled && e.Attrs["reason"] == "cpu" {
				last = e
			}
		}
		if want := "pool app goes from 5 to 4 workers: much to do"; last.Message != want || last.Attrs["cpuPercent"] != 90.0 || last.Attrs["to"] != 4 {
			t.Errorf("the last event is %+v, want %q", last, want)
		}
	})
}

func TestCapacity_CountsWhoComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(4, func(c *config.Pool) { c.ProcessManagement.MaxRestarts = 1 }), func(id string) behaviour {
			switch id {
			case "app-1.1":
				return behaviour{listens: 5 * time.Second}
			case "app-2.1", "app-2.2":
				return behaviour{ends: 10 * time.Millisecond, listens: -1}
			}
			return behaviour{}
		})
		want := func(what string, want Capacity) {
			t.Helper()
			if got := f.s.Capacity(); got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		want("before the start", Capacity{Wanted: 4, Coming: 4})
		f.settle(time.Second)
		want("one boots, one failed", Capacity{Wanted: 4, Coming: 1})
		f.settle(5 * time.Second)
		want("it has booted", Capacity{Wanted: 4})
		f.scale(5)
		want("one more is to come", Capacity{Wanted: 5, Coming: 1, Manual: true})
		f.settle(time.Second)
		want("it has come", Capacity{Wanted: 5, Manual: true})
		if err := f.s.WorkerStop("app-5"); err != nil {
			t.Error(err)
		}
		want("an operator stopped it", Capacity{Wanted: 5, Held: 1, Manual: true})
		if _, err := f.s.Restart(); err != nil {
			t.Error(err)
		}
		if got := f.s.Capacity(); !got.Rolling {
			t.Errorf("in a roll: %+v", got)
		}
	})
}
