package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// twoPools is settings of a pool app with two sample applications, and of another
// with one worker of that command.
func twoPools(command, own, more string) string {
	return strings.Replace(strings.Replace(sampleSettings(2, "healthCheck: { interval: 200ms }", `  bad:
    command: COMMAND
    workers: 1
    OWN
`), "COMMAND", command, 1), "OWN", own, 1) + more
}

// bad returns the newest worker of that pool.
func (d *instance) bad() (newest worker) {
	d.t.Helper()
	for _, w := range d.workers() {
		if strings.HasPrefix(w.ID, "bad-") && w.Generation > newest.Generation {
			newest = w
		}
	}
	return newest
}

// A worker that crashes again and again, after it was ready, is started again and
// again, ever more slowly, and takes nothing from drover and the other pool.
func TestFault_CrashSoonAfterStartForEver(t *testing.T) {
	t.Parallel()
	life, lives := 300, 8
	if long() {
		life, lives = 3000, 15
	}
	_, command := testWorker(t, "crash", fmt.Sprint(life), "3")
	d := newInstance(t)
	d.run(twoPools(command, "processManagement: { maxRestarts: 3, restartDelay: 50ms, maxRestartDelay: 400ms }", ""))
	d.waitRunning(3)
	files := d.files()
	l := startLoad(d, 50, homeKind())
	for generation := 2; generation <= lives; generation++ {
		d.eventually(fmt.Sprintf("generation %d runs", generation), func() error {
			if w := d.bad(); w.Generation < generation || w.LastReason != "crash" {
				return fmt.Errorf("it is %+v", w)
			}
			return nil
		})
	}
	_, out, _ := d.cli("events")
	for _, kind := range []string{"slot-failed", "pool-degraded"} {
		if !strings.Contains(out, kind) {
			t.Errorf("there is no event %s in\n%s", kind, out)
		}
	}
	l.end().noFailure(t, "GET")
	d.eventually("no file is left open", func() error {
		if n := d.files(); n > files+5 { // those of the admin address come and go
			return fmt.Errorf("%d are, %d were", n, files)
		}
		return nil
	})
}

// What a worker has started ends with it, whatever it holds and wherever it went.
func TestFault_WhatAWorkerLeavesBehindEndsWithIt(t *testing.T) {
	f := func(mode, then string) {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			_, command := testWorker(t, mode, then)
			d := newInstance(t)
			d.run(twoPools(command, "processManagement: { gracefulShutdownTimeout: 500ms }", ""))
			d.waitRunning(3)
			files, others := d.files(), append(pidsOf(d.workers()), d.cmd.Process.Pid)
			first := d.bad()
			left := d.processes() // of the first generation, but for the guardian
			left = slices.DeleteFunc(left, func(pid int) bool {
				return slices.Contains(others, pid) && pid != first.PID || strings.Contains(describe(pid), "guard")
			})
			if len(left) < 2 {
				t.Fatalf("the worker is %v alone", left)
			}
			if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			d.eventually("it is replaced", func() error {
				if w := d.bad(); w.Generation != 2 || w.State != "running" {
					return fmt.Errorf("it is %+v", w)
				}
				return nil
			})
			d.eventually("its processes and files are gone", func() error {
				for _, pid := range left {
					if slices.Contains(d.processes(), pid) {
						return fmt.Errorf("there is %s", describe(pid))
					}
				}
				if n := d.files(); n > files+5 {
					return fmt.Errorf("%d files are open, %d were", n, files)
				}
				return nil
			})
			d.signal(syscall.SIGTERM)
			d.wait()
			d.noneLeft(time.Second)
		})
	}
	t.Parallel()
	f("fork", "serve")            // a child that ignores SIGTERM holds stdout and stderr
	f("daemonize", "neverlisten") // double fork, setsid
}

// forkBomb serves, and goes off when it is asked to.
const forkBomb = `
import http.server, os, time
def bomb():
    while True:
        try:
            if os.fork() == 0: os.setsid()
        except OSError: time.sleep(0.1)
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/bomb' and os.fork() == 0: bomb()
        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()`

// A fork bomb and one of memory, more than 64 MB a second, go off in workers of their own.
func TestFault_BombsStayInTheirWorker(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.setenv("PYTHON", workertest.Python(t))
	d.setenv("BOMB", forkBomb)
	d.run(twoPools(`[sh, -c, 'exec "$PYTHON" -c "$BOMB"']`, "resources: { maxProcesses: 100 }\n    processManagement: { gracefulShutdownTimeout: 1s }", `  memory:
    command: ["${DROVER}", sample-app]
    workers: 1
    resources: { maxMemoryPerWorker: 300MB }
routes: [ { match: { path: /leak }, pool: memory }, { match: { path: /bomb }, pool: bad } ]
`))
	d.waitRunning(4)
	if _, out, _ := d.cli("status"); strings.Contains(out, "maxProcesses") || strings.Contains(out, "maxMemoryPerWorker") {
		workertest.Lack(t, "control groups: "+out)
	}
	l := startLoad(d, 50, homeKind())
	if status, body := d.request("GET", "/bomb", ""); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	most := 0
	d.eventually("the bombs go off", func() error {
		most = max(most, len(d.processes()))
		_, _ = (&client{address: d.front}).once("POST", "/leak?mb=48", "") // it may be killed meanwhile
		time.Sleep(200 * time.Millisecond)
		_, events, err := d.api("GET", "/api/v1/events", "")
		if err == nil && (most < 80 || !strings.Contains(events, "out-of-memory")) {
			err = fmt.Errorf("at most %d processes; the events are\n%s", most, events)
		}
		return err
	})
	if most > 150 {
		t.Errorf("there were %d processes", most)
	}
	l.end().noFailure(t, "GET")
	for _, w := range d.running() {
		if strings.HasPrefix(w.ID, "app-") && w.Generation != 1 {
			t.Errorf("there is %s", w.ID)
		}
	}
	d.signal(syscall.SIGTERM)
	d.wait()
	d.noneLeft(2 * time.Second)
}
