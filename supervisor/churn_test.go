package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// belongings counts what drover holds for its workers.
func (y *yard) belongings() string {
	y.t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		y.t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(y.s.o.RunDir, "*", "*"))
	if err != nil {
		y.t.Fatal(err)
	}
	y.s.o.Ports.mu.Lock()
	defer y.s.o.Ports.mu.Unlock()
	return fmt.Sprintf("%d descriptors, %d goroutines, %d files, %d ports", len(fds), runtime.NumGoroutine(), len(files), len(y.s.o.Ports.used))
}

// A storm of kill -9 leaves behind what there was before.
func TestReal_ManyReplacementsLeaveNothingBehind(t *testing.T) {
	replacements := 200
	if n, err := strconv.Atoi(os.Getenv("DROVER_TEST_REPLACEMENTS")); err == nil {
		replacements = n
	}
	cfg := workerPool(4, "serve")
	cfg.Transport = "auto"
	cfg.ProcessManagement.MaxRestarts, cfg.ProcessManagement.RestartDelay = 1_000_000, 1
	cfg.ProcessManagement.MaxRestartDelay = config.Duration(time.Millisecond)
	y := newYard(t, cfg)
	y.untilReady(4)
	var before string
	y.until("what it holds has settled", func() bool { last := before; before = y.belongings(); return before == last })
	for n := range replacements {
		victim := y.s.Workers()[n%4]
		if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if n%4 == 3 {
			y.until("the next generation is ready", func() bool {
				for _, w := range y.s.Workers() {
					if w.Generation != 2+n/4 || w.State != Running {
						return false
					}
				}
				return y.s.Ready() == 4
			})
		}
	}
	var after string
	y.until("what it holds is what it was: "+before, func() bool { after = y.belongings(); return after == before })
	if n := y.s.Restarts()[ReasonCrash]; n != uint64(replacements/4*4) {
		t.Errorf("%d were replaced, want %d", n, replacements)
	}
}

func TestSupervisor_CrashAfterThreeSecondsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, poolConfig(1, nil), func(string) behaviour { return behaviour{ends: 3 * time.Second, code: 1} })
		f.settle(time.Hour)
		n := f.happened(event.WorkerStarted)
		if hopeless, why := f.s.Hopeless(); hopeless || n < 60 || n > 240 { // 3 s of life and 30 s of waiting, jittered
			t.Errorf("%d starts in an hour; hopeless: %v %s", n, hopeless, why)
		}
		if w := f.s.Workers(); len(w) != 1 || w[0].LastReason != ReasonCrash || len(w[0].History) != remembered {
			t.Errorf("workers %+v", w)
		}
	})
}
