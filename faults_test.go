package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pidsOf returns the processes of workers, by number.
func pidsOf(workers []worker) []int {
	var pids []int
	for _, w := range workers {
		pids = append(pids, w.PID)
	}
	slices.Sort(pids)
	return pids
}

// What happened while drover itself stood still is not held against its workers.
func TestFault_DroverIsStoppedAndContinued(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(sampleSettings(3, "healthCheck: { interval: 1s, timeout: 1s, maxFailures: 2 }", ""))
	d.waitRunning(3)
	before := pidsOf(d.running())
	pause := 3 * time.Second
	if long() {
		pause = 30 * time.Second
	}
	d.signal(syscall.SIGSTOP)
	time.Sleep(pause)
	d.signal(syscall.SIGCONT)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); { // in which probes are due three times
		d.hello()
	}
	d.waitRunning(3)
	if after := pidsOf(d.running()); !slices.Equal(after, before) {
		t.Errorf("the workers were %v and are %v", before, after)
	}
}

func TestFault_AKeyThatIsRemovedIsGoneFromTheNextWorker(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	file := filepath.Join(d.dir, "worker.env")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("KEPT=1\nREMOVED=1\n")
	settings := sampleSettings(1, `envFile: "${DIR}/worker.env"
    env: { OWN: "1" }`, "")
	d.run(settings)
	d.waitRunning(1)
	if env := d.environ(d.running()[0].PID); !strings.Contains(env, "REMOVED=1") || !strings.Contains(env, "OWN=1") {
		t.Errorf("the environment is %s", env)
	}
	write("KEPT=2\n")
	d.reload(strings.Replace(settings, `env: { OWN: "1" }`, "env: {}", 1), 0)
	d.eventually("the worker is replaced", func() error {
		if w := d.running(); len(w) != 1 || w[0].Generation != 2 {
			return fmt.Errorf("workers %+v", w)
		}
		return nil
	})
	if env := d.environ(d.running()[0].PID); !strings.Contains(env, "KEPT=2") || strings.Contains(env, "REMOVED=") || strings.Contains(env, "OWN=") {
		t.Errorf("the environment is %s", env)
	}
}

// A cause that all workers share is not mended by killing them.
func TestFault_AllWorkersFailTheirHealthChecksTogether(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	well := filepath.Join(d.dir, "well")
	mend := func() {
		t.Helper()
		if err := os.WriteFile(well, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mend()
	d.run(sampleSettings(4, `healthCheck: { type: exec, command: [test, -e, "${DIR}/well"], interval: 300ms, timeout: 300ms, maxFailures: 2 }`, ""))
	d.waitRunning(4)
	before := pidsOf(d.running())
	if err := os.Remove(well); err != nil {
		t.Fatal(err)
	}
	d.eventually("the shared failure is told of and one worker is replaced", func() error {
		if _, out, _ := d.cli("events"); !strings.Contains(out, "shared-failure") || !strings.Contains(out, "worker-killed") {
			return fmt.Errorf("the events are\n%s", out)
		}
		return nil
	})
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		left := 0
		for _, pid := range pidsOf(d.workers()) {
			if _, same := slices.BinarySearch(before, pid); same {
				left++
			}
		}
		if left < 3 {
			t.Fatalf("%d of 4 workers are left", left)
		}
	}
	mend()
	d.waitRunning(4)
}
