package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/internal/workertest"
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

// prefork is a server as gunicorn with --preload is one: its processes share what was loaded before they were forked.
const prefork = `
import http.server, os, signal
loaded = b"x" * (100 << 20)
kept = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/grow":
            kept.append(b"x" * (250 << 20))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
for _ in range(4):
    if os.fork() == 0:
        server.serve_forever()
while True:
    signal.pause()
`

// preforks runs one such worker, which may have 300 MB, and watches it while its processes have more, each counted alone.
func preforks(t *testing.T, level string, wrapper ...string) *instance {
	t.Helper()
	workertest.Need(t, "python3")
	d := newInstance(t)
	program := filepath.Join(d.dir, "prefork.py")
	if err := os.WriteFile(program, []byte(prefork), 0o600); err != nil {
		t.Fatal(err)
	}
	d.startBehind(wrapper, "run", "-c", d.settings(`
server:
  listeners: [ { address: "${FRONT}", pool: app } ]
admin: { address: "${ADMIN}" }
monitoring: { sampleInterval: 100ms }
pools:
  app:
    command: [python3, "`+program+`"]
    workers: 1
    transport: port
    resources: { maxMemoryPerWorker: 300MB }
`)).waitReady()
	seen := 0
	d.eventually("its processes have more than the limit, again and again", func() error {
		var w admin.Worker
		d.get("/api/v1/workers/app-1", &w)
		if got := w.Limits["maxMemoryPerWorker"].Level; got != level {
			workertest.Lack(t, "the memory limit is kept at level "+got)
		}
		if w.MemoryBytes > 300<<20 && w.Processes == 5 {
			seen++
		}
		if seen < 20 || w.UptimeSeconds < 5 {
			return fmt.Errorf("seen %d times; %+v", seen, w)
		}
		return nil
	})
	if w := d.running(); len(w) != 1 || w[0].Generation != 1 || w[0].Restarts != 0 {
		t.Errorf("workers %+v", w)
	}
	if _, out, _ := d.cli("events"); strings.Contains(out, "worker-memory") || strings.Contains(out, "worker-killed") {
		t.Errorf("the events are\n%s", out)
	}
	return d
}

func TestMemory_SharedPagesCountOnceWhereTheKernelKeepsTheLimit(t *testing.T) {
	t.Parallel()
	preforks(t, "kernel")
}

func TestMemory_SharedPagesCountOnceWithoutControlGroups(t *testing.T) {
	t.Parallel()
	var without []string
	if os.Geteuid() == 0 { // others cannot make groups here anyway
		without = []string{"unshare", "--mount", "sh", "-c", `umount --recursive --lazy /sys/fs/cgroup && exec "$0" "$@"`}
	}
	d := preforks(t, "sampled", without...)
	// What it does not share counts as ever. A GET would be repeated, and kill the next worker, too.
	d.request("POST", "/grow", "")
	d.eventually("it was killed and replaced", func() error {
		if w := d.running(); len(w) != 1 || w[0].Generation != 2 || w[0].LastReason != "out-of-memory" {
			return fmt.Errorf("workers %+v", w)
		}
		return nil
	})
}
