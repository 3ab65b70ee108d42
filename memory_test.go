package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// leak has a worker take more memory.
func (d *instance) leak(mb int) {
	d.t.Helper()
	if status, body := d.request("GET", fmt.Sprintf("/leak?mb=%d", mb), ""); status != 200 {
		d.t.Fatalf("%d %s", status, body)
	}
}

// leakUntil has a worker take more memory, some megabytes at a time, until there is such an event.
func (d *instance) leakUntil(kind string, step int) {
	d.t.Helper()
	d.eventually(kind, func() error {
		if _, out, _ := d.cli("events"); strings.Contains(out, kind) {
			return nil
		}
		d.leak(step)
		time.Sleep(150 * time.Millisecond) // more than one sample
		return fmt.Errorf("there is no event %s", kind)
	})
}

func TestMemory_WarningCriticalAndLimit(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(sampleSettings(1, "resources: { maxMemoryPerWorker: 200MB }", "monitoring: { sampleInterval: 100ms }"))
	d.waitRunning(1)
	told := func(kind, worker, words string) {
		t.Helper()
		d.eventually(kind+" of "+worker, func() error {
			if _, out, _ := d.cli("events"); !strings.Contains(out, kind) || !strings.Contains(out, worker+" "+words) {
				return fmt.Errorf("the events are\n%s", out)
			}
			return nil
		})
	}
	reasonOf := func(generation int, reason string) {
		t.Helper()
		d.eventually(fmt.Sprintf("generation %d runs since the one before left for %s", generation, reason), func() error {
			if w := d.running(); len(w) != 1 || w[0].Generation != generation || w[0].LastReason != reason {
				return fmt.Errorf("workers %+v", w)
			}
			return nil
		})
	}
	// In small steps: how much memory a megabyte takes depends on how the program was built.
	d.leakUntil("worker-memory", 6)
	told("worker-memory", "worker app-1.1", "uses 1")
	if w := d.running(); len(w) != 1 || w[0].Generation != 1 {
		t.Errorf("a warning alone replaced it: %+v", w)
	}
	l := startLoad(d, 50, requester{"GET", func(c *client, _ int) error {
		got, err := c.once("GET", "/", "")
		if err == nil && got.status != 200 {
			err = fmt.Errorf("status %d", got.status)
		}
		return err
	}})
	d.leakUntil("worker-recycling", 2)
	told("worker-recycling", "worker app-1.1", "is to be replaced: it uses 1")
	reasonOf(2, "memory")
	l.end().noFailure(t, "GET")
	// A GET would be repeated, and kill the next worker, too.
	d.request("POST", "/leak?mb=250", "")                // answered with 200 or, where it was killed before it could, 502
	told("worker-killed", "worker app-1.2", "is killed") // by the kernel, where there are control groups, or by drover
	reasonOf(3, "out-of-memory")
	var w admin.Worker
	if d.get("/api/v1/workers/app-1", &w); len(w.History) != 2 || w.History[0].Reason != "memory" || w.History[1].Generation != 2 || w.History[1].Reason != "out-of-memory" || w.History[1].Exit != "signal: killed" {
		t.Errorf("its history is %+v", w.History)
	}
	if env := d.environ(d.running()[0].PID); !strings.Contains(env, "GOMEMLIMIT=188743680") || !strings.Contains(env, "--max-old-space-size=142") {
		t.Errorf("its runtime is not told: %s", env)
	}
}
