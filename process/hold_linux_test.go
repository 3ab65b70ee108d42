package process

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHold_HasASubstituteForEachController(t *testing.T) {
	all := Bounds{Memory: 1 << 20, CPU: 150, Processes: 10}
	f := func(h holding, missing map[string]string, want holding, levels ...Level) {
		t.Helper()
		held := h.substitute(all, missing)
		for i, one := range held {
			if one.Level != levels[i] || (one.Why == "") != (one.Level == LevelKernel) {
				t.Errorf("%+v, want %s", one, levels[i])
			}
		}
		if len(held) != len(levels) || !reflect.DeepEqual(h, want) {
			t.Errorf("%+v, %+v", held, h)
		}
	}
	user := &Account{UID: 4711}
	root := &Account{}
	none := map[string]string{controlMemory: "read-only", controlCPU: "read-only", controlPIDs: "read-only"}
	f(holding{}, nil, holding{}, LevelKernel, LevelKernel, LevelKernel)
	f(holding{Account: user}, none, holding{Account: user, CPUs: 2, Nice: modest, UserProcesses: 10}, LevelSampled, LevelAdvisory, LevelPerUser)
	f(holding{Account: root}, none, holding{Account: root, CPUs: 2, Nice: modest, UserProcesses: 10}, LevelSampled, LevelAdvisory, LevelNone)
	f(holding{}, map[string]string{controlMemory: "read-only"}, holding{}, LevelSampled, LevelKernel, LevelKernel)
}

func TestHold_SettingsOfBothVersions(t *testing.T) {
	b := Bounds{Memory: 64 << 20, CPU: 50, Processes: 20}
	f := func(controller string, version int, want ...setting) {
		t.Helper()
		if got := settings(controller, version, b); !reflect.DeepEqual(got, want) {
			t.Errorf("%s %d: %+v", controller, version, got)
		}
	}
	f(controlMemory, 1, setting{"memory.limit_in_bytes", "67108864", false}, setting{"memory.memsw.limit_in_bytes", "67108864", true})
	f(controlMemory, 2, setting{"memory.max", "67108864", false}, setting{"memory.swap.max", "0", true}, setting{"memory.oom.group", "1", true})
	f(controlCPU, 1, setting{"cpu.cfs_period_us", "100000", false}, setting{"cpu.cfs_quota_us", "50000", false})
	f(controlCPU, 2, setting{"cpu.max", "50000 100000", false})
	f(controlPIDs, 1, setting{"pids.max", "20", false})
	f(controlPIDs, 2, setting{"pids.max", "20", false})
}

func TestHold_SandboxIsReportedAsTheKernelHasIt(t *testing.T) {
	f := func(strict bool, landlock int, seccomp bool, want Level) {
		t.Helper()
		h := heldSandbox(&Sandbox{Strict: strict}, landlock, seccomp)
		if h.Level != want || (h.Why == "") != (want == LevelKernel) {
			t.Errorf("strict %v, Landlock %d, seccomp %v: %+v", strict, landlock, seccomp, h)
		}
	}
	f(false, 5, true, LevelKernel)
	f(true, 5, true, LevelPartial)
	f(true, 6, true, LevelKernel)
	f(false, 3, true, LevelPartial)
	f(false, 0, true, LevelPartial)
	f(false, 7, false, LevelPartial)
	f(false, 0, false, LevelNone)
}

func TestHold_StepsBackBehindDroverHoweverNiceThatIs(t *testing.T) {
	var got []int
	var faults []error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		faults = append(faults, unix.Setpriority(unix.PRIO_PROCESS, 0, 9))
		for range 3 {
			faults = append(faults, stepBack(modest))
			told, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
			got, faults = append(got, 20-told), append(faults, err)
		}
	}()
	<-done
	if err := errors.Join(faults...); err != nil || !slices.Equal(got, []int{14, 19, 19}) {
		t.Errorf("from 9 it goes to %d, %v", got, err)
	}
}
