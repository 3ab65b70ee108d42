package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// bounded starts a program and skips the test where the kernel cannot keep the bound.
func bounded(t *testing.T, s *process.Spawner, spec process.Spec, bound string) *process.Process {
	t.Helper()
	p := start(t, s, spec)
	if got := level(p, bound); got != process.LevelKernel {
		p.Kill()
		workertest.Lack(t, fmt.Sprintf("%s is kept at level %s: %+v", bound, got, p.Held()))
	}
	return p
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// groupFile reads a file of one of the groups; empty when none has it.
func groupFile(folders []string, name string) string {
	for _, folder := range folders {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}

func TestCgroup_MemoryBombIsEndedByTheKernel(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(argv ...string) {
		t.Helper()
		workertest.Need(t, argv[0])
		spec := process.Spec{ID: "app-1.1", Argv: argv, Env: environ(nil), Bounds: process.Bounds{Memory: 96 << 20, OOMScore: 200}}
		p := bounded(t, s, spec, process.BoundMemory)
		select {
		case <-p.Done():
		case <-time.After(30 * time.Second):
			t.Fatal("it was not ended")
		}
		if p.Exit().Signal != syscall.SIGKILL || !p.OutOfMemory() {
			t.Errorf("%s: %v, out of memory: %v", argv[0], p.Exit(), p.OutOfMemory())
		}
		p.Kill()
		if !p.OutOfMemory() {
			t.Error("forgotten with the group")
		}
	}
	// 64 MB a second.
	f("node", "-e", "const held = []; setInterval(() => held.push(Buffer.alloc(16 << 20, 1)), 250)")
	f("python3", "-c", "import time\nheld = []\nwhile True:\n held.append(b'x' * (16 << 20))\n time.sleep(0.25)")

	calm := shell("true")
	calm.Bounds.Memory = 96 << 20
	p := start(t, s, calm)
	<-p.Done()
	if p.OutOfMemory() {
		t.Error("true is out of memory")
	}
}

func TestCgroup_ForkBombStaysBoundedAndEnds(t *testing.T) {
	const most = 50
	s := newSpawner(t, process.Options{Subreaper: true})
	f := func(argv ...string) {
		t.Helper()
		workertest.Need(t, argv[0])
		p := bounded(t, s, process.Spec{ID: "app-1.1", Argv: argv, Env: environ(nil), Bounds: process.Bounds{Processes: most}}, process.BoundProcesses)
		folders := workertest.Groups(t, p.PID())
		eventually(t, "it has met its limit", func() bool {
			_, failed, _ := strings.Cut(groupFile(folders, "pids.events"), "max ")
			n, _ := strconv.Atoi(failed)
			return n > 0
		})
		if n, err := strconv.Atoi(groupFile(folders, "pids.current")); err != nil || n > most {
			t.Errorf("%s: %d processes, %v", argv[0], n, err)
		}
		p.Kill()
		if left := p.Tree(); len(left) > 0 {
			t.Errorf("%s: %v are left", argv[0], left)
		}
	}
	f("/bin/sh", "-c", "(b() { b | b & b; }; b) & exec sleep 1000") // a shell that cannot fork ends
	f("python3", "-c", "import os\nwhile True:\n try:\n  if os.fork() == 0: os.setsid()\n except OSError: pass")
	f("node", "-e", "const { spawn } = require('child_process'); setInterval(() => spawn('sleep', ['1000'], { detached: true }).on('error', () => {}), 1)")
}

func TestCgroup_CPUIsThrottled(t *testing.T) {
	s := newSpawner(t, process.Options{})
	spec := shell("while :; do :; done")
	spec.Bounds.CPU = 20
	p := bounded(t, s, spec, process.BoundCPU)
	folders := workertest.Groups(t, p.PID())
	if quota := groupFile(folders, "cpu.cfs_quota_us") + groupFile(folders, "cpu.max"); quota != "20000" && quota != "20000 100000" {
		t.Errorf("the quota is %q", quota)
	}
	eventually(t, "it is throttled", func() bool {
		_, after, _ := strings.Cut(groupFile(folders, "cpu.stat"), "nr_throttled ")
		return after != "" && after[0] != '0'
	})
	p.Kill()
}

func TestCgroup_NothingIsLeftAfterManyPrograms(t *testing.T) {
	s := newSpawner(t, process.Options{})
	spec := shell("exit 0")
	spec.ID = "app-1.1"
	spec.Bounds = process.Bounds{Memory: 96 << 20, Processes: 50, CPU: 100}
	first := spec
	first.Argv = []string{"sleep", "1000"}
	p := bounded(t, s, first, process.BoundMemory)
	folders := workertest.Groups(t, p.PID())
	if len(folders) == 0 {
		t.Fatal("it is in no group of its own")
	}
	for range 200 {
		<-start(t, s, spec).Done()
	}
	left := func() int { return workertest.CountGroups(t, folders) }
	eventually(t, "only the first has groups", func() bool { return left() == len(folders) })
	p.Kill()
	eventually(t, "the last group is gone", func() bool { return left() == 0 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if exists(filepath.Dir(folder)) {
			t.Errorf("%s is left", filepath.Dir(folder))
		}
	}
}

func TestCgroup_GuardianEndsAndRemovesIt(t *testing.T) {
	lost, plain := shell("setsid env -i sleep 1234 & exec sleep 1000"), shell("exec sleep 1000")
	bounds := process.Bounds{Memory: 96 << 20, Processes: 50, CPU: 100}
	lost.ID, lost.Bounds, plain.Bounds = "app-1.1", bounds, bounds
	probe := newSpawner(t, process.Options{})
	bounded(t, probe, plain, process.BoundMemory).Kill()
	h := startHost(t, nil, lost, plain)
	h.await("host started")
	eventually(t, "all run", func() bool { return len(tagged(h.tag)) == 2 && len(h.tree()) == 3 })
	all := h.tree()
	folders := workertest.Groups(t, all[0])
	if len(folders) == 0 {
		t.Fatal("it is in no group of its own")
	}
	h.kill()
	eventually(t, "all processes and groups are gone", func() bool {
		for _, pid := range all {
			if alive(pid) {
				return false
			}
		}
		for _, folder := range folders {
			if exists(filepath.Dir(folder)) {
				return false
			}
		}
		return true
	})
}

func TestCgroup_ChargedIsWhatCannotBeTakenBack(t *testing.T) {
	workertest.Need(t, "python3")
	s := newSpawner(t, process.Options{})
	file := filepath.Join(t.TempDir(), "cached")
	program := `
import os, sys, time
held = b"x" * (40 << 20)
with open(sys.argv[1], "wb") as f:
    for _ in range(60):
        f.write(b"y" * (1 << 20))
    f.flush()
    os.fsync(f.fileno())
open(sys.argv[1] + ".done", "w")
time.sleep(60)`
	spec := process.Spec{ID: "app-1.1", Argv: []string{"python3", "-c", program, file}, Env: environ(nil), Bounds: process.Bounds{Memory: 256 << 20}}
	p := bounded(t, s, spec, process.BoundMemory)
	defer p.Kill()
	eventually(t, "the file is written", func() bool { return exists(file + ".done") })
	if bytes, ok := p.Charged(); !ok || bytes < 40<<20 || bytes > 80<<20 {
		t.Errorf("%d MB, %v; it holds 40 MB, and has written 60 MB into a file", bytes>>20, ok)
	}
	calm := start(t, s, shell("sleep 60"))
	defer calm.Kill()
	if bytes, ok := calm.Charged(); ok {
		t.Errorf("without a limit %d bytes are charged", bytes)
	}
}
