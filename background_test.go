package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// Workers that listen nowhere, such as those that take jobs from a queue: no library of drover's, and no listener.

func TestBackground_NodeWorkerSaysReadyAsUnderPM2(t *testing.T) {
	workertest.Need(t, "node")
	worksUnasked(t, "node", `
		const fs = require('fs')
		const work = setInterval(() => fs.appendFileSync(process.env.DIR + '/jobs', process.env.DROVER_WORKER_ID + '\n'), 20)
		process.on('SIGTERM', () => { clearInterval(work); process.disconnect() })
		process.send('ready')`)
}

func TestBackground_PythonWorkerSaysReadyAsUnderSystemd(t *testing.T) {
	workertest.Need(t, "python3")
	worksUnasked(t, "python3", `
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    with open(os.environ["DIR"] + "/jobs", "a") as jobs:
        jobs.write(os.environ["DROVER_WORKER_ID"] + "\n")
    time.sleep(0.02)
`)
}

// worksUnasked leads a program of that interpreter through what operators do with workers.
func worksUnasked(t *testing.T, interpreter, program string) {
	t.Parallel()
	d := newInstance(t)
	file := filepath.Join(d.dir, "program")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(`
admin: { address: "${ADMIN}" }
pools:
  jobs:
    command: [` + interpreter + `, "` + file + `"]
    workers: 2
    processManagement: { ready: notify }
`)
	d.waitRunning(2)
	if _, status, err := d.api("GET", "/api/v1/status", ""); err != nil || !strings.Contains(status, `"listeners":[]`) {
		t.Errorf("the status is %s, %v", status, err)
	}
	at := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			d.eventually(id+" works", func() error {
				jobs, err := os.ReadFile(filepath.Join(d.dir, "jobs"))
				if err == nil && !strings.Contains(string(jobs), id+"\n") {
					err = fmt.Errorf("it has done nothing; %v", d.workers())
				}
				return err
			})
		}
	}
	says := func(want string, args ...string) {
		t.Helper()
		code, out, errs := d.cli(args...)
		if code != 0 || !strings.Contains(out+errs, want) {
			t.Errorf("drover %s: %d\n%s%s", strings.Join(args, " "), code, out, errs)
		}
	}
	at("jobs-1.1", "jobs-2.1")
	for _, w := range d.running() {
		if w.Address != "" || w.Health != "healthy" {
			t.Errorf("%+v", w)
		}
	}
	says("ready", "status", "--check")
	if code, text, err := d.api("GET", "/readyz", ""); code != 200 || err != nil {
		t.Errorf("readyz: %d %s %v", code, text, err)
	}
	if err := d.hasMetric(`drover_workers{pool="jobs",state="running"} 2`); err != nil {
		t.Error(err)
	}
	says("", "restart", "jobs", "--wait")
	at("jobs-1.2", "jobs-2.2")
	says("", "scale", "jobs", "3")
	at("jobs-3.1")
	d.kill("jobs-3.1")
	at("jobs-3.2")
	d.waitRunning(3)
	d.upgraded()
	at("jobs-1.3", "jobs-2.3", "jobs-3.3")
	d.waitRunning(3)
	if code := d.wait(); code != 0 {
		t.Errorf("the first drover ended with %d", code)
	}
	d.stopLast()
	if strings.Contains(d.output(), "is killed") {
		t.Errorf("a worker did not end by itself:\n%s", d.output())
	}
}

func TestBackground_OneThatItsCheckFindsIllIsReplaced(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(`
admin: { address: "${ADMIN}" }
pools:
  jobs:
    command: [sleep, "300"]
    workers: 1
    healthCheck:
      type: exec
      command: [sh, -c, 'test ! -e "$$DIR/ill-$$DROVER_WORKER_ID"']
      interval: 1s
      timeout: 1s
`)
	d.waitRunning(1)
	if err := os.WriteFile(filepath.Join(d.dir, "ill-jobs-1.1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.eventually("another has its place", func() error {
		if w := d.running(); len(w) != 1 || w[0].ID != "jobs-1.2" || w[0].LastReason != "probe-failed" {
			return fmt.Errorf("workers %+v", d.workers())
		}
		return nil
	})
}
