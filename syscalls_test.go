//go:build linux && !race

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// Not under the race detector, for which other calls are made.

// A request on the plain path takes five calls to the kernel beside the waits: read
// the request, look at the idle connection, send, read the answer, send it.
func TestSystemCalls_PlainPath(t *testing.T) {
	workertest.Need(t, "strace")
	d := newInstance(t)
	d.setenv("GOMAXPROCS", "1")
	d.run(`
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: ["${DROVER}", sample-app]
    transport: socket
    workers: 1
    healthCheck: { interval: 1h }
admin: { address: "${ADMIN}", socket: "" }
logging: { files: [ { path: "${DIR}/log" } ] }
monitoring: { sampleInterval: 1m } # each look reads dozens of files
`)
	c := &client{address: d.front}
	ask := func(n int) {
		t.Helper()
		for range n {
			if got, err := c.do("GET", "/", ""); err != nil || got.status != 200 {
				t.Fatalf("answer %+v, %v", got, err)
			}
		}
	}
	ask(20)
	const requests = 2000
	calls := d.systemCalls(func() { ask(requests) })
	transfers := 0
	for name, most := range map[string]float64{"recvfrom": 3, "sendto": 2, "read": 0, "write": 0, "readv": 0, "writev": 0, "setsockopt": 0, "epoll_ctl": 0} {
		// A tenth more: the log, a timer, the runtime's own pipe.
		if n := float64(calls[name]) / requests; n > most+0.1 {
			t.Errorf("%.2f calls of %s per request, want %v", n, name, most)
		}
		transfers += calls[name]
	}
	if transfers < 5*requests {
		t.Errorf("%d calls for %d requests: strace has missed some: %v", transfers, requests, calls)
	}
}

// systemCalls counts drover's system calls by name while work runs.
func (d *instance) systemCalls(work func()) map[string]int {
	d.t.Helper()
	report := filepath.Join(d.dir, "strace")
	cmd := exec.Command("strace", "-f", "-c", "-U", "name,calls", "-o", report, "-p", strconv.Itoa(d.cmd.Process.Pid))
	said, err := cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	if !lines.Scan() || !strings.Contains(lines.Text(), "attached") {
		d.t.Fatalf("strace: %s %v", lines.Text(), lines.Err())
	}
	work()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		d.t.Fatal(err)
	}
	for lines.Scan() { // to its end
	}
	_ = cmd.Wait() // its status is the signal
	text, err := os.ReadFile(report)
	if err != nil {
		d.t.Fatal(err)
	}
	calls := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err == nil {
			calls[name] = n
		}
	}
	return calls
}
