package supervisor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/monitor"
)

// judge sets the verdict on a worker.
func (f *farm) judge(id string, v monitor.Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.verdicts == nil {
		f.verdicts = make(map[string]monitor.Verdict)
	}
	f.verdicts[id] = v
}

func TestLeak_IsReplacedInTheHourBeforeItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(3, nil), slow)
		f.settle(2 * time.Second)
		for _, target := range f.s.Targets() {
			if !target.WatchLeaks || target.MemoryLimit != 100*mb {
				t.Errorf("target %+v", target)
			}
		}
		verdict := monitor.Verdict{Leak: true, Bytes: 50 * mb, Limit: 100 * mb, Slope: 40 * mb, ToLimit: 75 * time.Minute}
		f.judge("app-1.1", verdict)
		f.settle(5 * time.Second)
		f.want("app-1.1 running, app-2.1 running, app-3.1 running")
		verdict.ToLimit = 59 * time.Minute
		f.judge("app-1.1", verdict)
		f.judge("app-2.1", verdict)
		f.judge("app-3.1", monitor.Verdict{Why: "it does not rise", Limit: 100 * mb})
		if fewest, most := f.watch(10 * time.Second); fewest != 3 || most != 4 {
			t.Errorf("at least %d ready, at most %d processes", fewest, most)
		}
		f.want("app-1.2 running, app-2.2 running, app-3.1 running")
		if got := f.s.Restarts(); got[ReasonLeak] != 2 || len(got) != 1 {
			t.Errorf("restarts %v", got)
		}
		if m := f.message(event.WorkerRecycling); !strings.Contains(m, "its memory leaks: it grows by 40.0 MB an hour") || !strings.Contains(m, "it reaches 100.0 MB in 59m0s") {
			t.Error(m)
		}
		if f.happened(event.WorkerKilled) != 0 {
			t.Error("one was killed")
		}
	})
}

func TestLeak_IsLeftAloneWhereNobodyWantsToKnow(t *testing.T) {
	f := func(change func(*config.MemoryManagement)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(t, bounded(1, func(c *config.Pool) { change(&c.Resources.MemoryManagement) }), nil)
			f.settle(time.Second)
			if f.s.Targets()[0].WatchLeaks {
				t.Error("it is watched")
			}
			f.judge("app-1.1", monitor.Verdict{Leak: true, Limit: 100 * mb})
			f.settle(5 * time.Second)
			f.want("app-1.1 running")
		})
	}
	f(func(mm *config.MemoryManagement) { mm.MemoryLeakDetection = false })
	f(func(mm *config.MemoryManagement) { mm.Enabled = false })
}

func TestLeak_WithoutALimitIsOnlyTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, bounded(1, nil), nil)
		f.settle(time.Second)
		f.judge("app-1.1", monitor.Verdict{Leak: true, Slope: mb})
		f.settle(5 * time.Second)
		f.want("app-1.1 running")
	})
}
