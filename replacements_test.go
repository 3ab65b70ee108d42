package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// holdings is what drover has for its workers.
type holdings struct{ files, goroutines, entries, groups, guardian int }

func (d *instance) holdings() (h holdings) {
	d.t.Helper()
	h.files, h.goroutines = d.files(), int(d.metric("go_goroutines"))
	err := filepath.WalkDir(filepath.Join(d.dir, "run"), func(_ string, _ fs.DirEntry, err error) error {
		h.entries++
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	h.groups = workertest.CountGroups(d.t, workertest.Groups(d.t, d.running()[0].PID))
	workers := pidsOf(d.workers())
	for _, pid := range d.processes() {
		if _, parent, err := processStat(pid); err == nil && parent == d.cmd.Process.Pid && !slices.Contains(workers, pid) {
			entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			if err != nil {
				d.t.Fatal(err)
			}
			h.guardian += len(entries)
		}
	}
	return h
}

// A storm of kill -9 leaves behind what there was before: see also
// supervisor.TestReal_ManyReplacementsLeaveNothingBehind.
func TestFault_ManyReplacementsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	const workers = 4
	replacements := 60
	if n, err := strconv.Atoi(os.Getenv("DROVER_TEST_REPLACEMENTS")); err == nil {
		replacements = n
	}
	d := newInstance(t).run(sampleSettings(workers, `resources: { maxMemoryPerWorker: 1GB, maxProcesses: 200 }
    processManagement: { maxRestarts: 10000, restartDelay: 1ms, maxRestartDelay: 1ms }`, "cache: { enabled: true }"))
	d.waitRunning(workers)
	var before holdings
	var memory int64
	for round := range replacements / workers {
		for _, w := range d.running() {
			if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		d.eventually("the next generation runs", func() error {
			now := d.running()
			for _, w := range now {
				if w.Generation != round+2 {
					return fmt.Errorf("%s runs", w.ID)
				}
			}
			if len(now) != workers {
				return fmt.Errorf("%d run", len(now))
			}
			return nil
		})
		d.hello()
		if round == replacements/workers/10 { // pools of buffers and the like have filled
			before, memory = d.holdings(), memoryOf(t, d.cmd.Process.Pid, "VmRSS")
		}
	}
	d.eventually("what it holds is what it was", func() error {
		// Connections to the admin address and between drover and workers come and go.
		now := d.holdings()
		if now.files > before.files+6 || now.goroutines > before.goroutines+10 || now.entries != before.entries || now.groups != before.groups || now.guardian != before.guardian {
			return fmt.Errorf("%+v, and was %+v", now, before)
		}
		return nil
	})
	after := memoryOf(t, d.cmd.Process.Pid, "VmRSS")
	t.Logf("%+v after %d replacements; memory was %d MB and is %d MB", d.holdings(), replacements, memory>>20, after>>20)
	if after > memory+32<<20 && !raceEnabled {
		t.Errorf("memory has grown from %d to %d MB", memory>>20, after>>20)
	}
}
