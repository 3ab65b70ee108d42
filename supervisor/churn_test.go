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
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// belongings counts what drover holds for its workers.
func (y *yard) belongings(groups []string) string {
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
	return fmt.Sprintf("%d descriptors, %d goroutines, %d files, %d control groups, %d ports", len(fds), runtime.NumGoroutine(), len(files), workertest.CountGroups(y.t, groups), len(y.s.o.Ports.used))
}

// A storm of kill -9 leaves behind what there was before.
func TestReal_ManyReplacementsLeaveNothingBehind(t *testing.T) {
	replacements := 200
	if n, err := strconv.Atoi(os.Getenv("DROVER_TEST_REPLACEMENTS")); err == nil {
		replacements = n
	}
	cfg := workerPool(4, "serve")
	cfg.Transport = "auto"
	cfg.Resources.MaxMemoryPerWorker, cfg.Resources.MaxProcesses = 1<<30, 200 // each has control groups of its own
	cfg.ProcessManagement.MaxRestarts, cfg.ProcessManagement.RestartDelay = 1_000_000, 1
	cfg.ProcessManagement.MaxRestartDelay = config.Duration(time.Millisecond)
	y := newYard(t, cfg)
	y.untilReady(4)
	groups := workertest.Groups(t, y.s.Workers()[0].PID)
	if level := y.limit("maxMemoryPerWorker").Level; (level == process.LevelKernel) != (len(groups) > 0) {
		t.Fatalf("the limit of memory is kept at level %s, in %v", level, groups)
	}
	var before string
	y.until("what it holds has settled", func() bool { last := before; before = y.belongings(groups); return before == last })
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
	y.until("what it holds is what it was: "+before, func() bool { after = y.belongings(groups); return after == before })
	t.Log(after)
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
