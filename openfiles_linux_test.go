package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/workertest"
)

// limitFiles sets how many files drover may have open, of 256.
func (d *instance) limitFiles(n uint64) {
	d.t.Helper()
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: 256}, nil); err != nil {
		d.t.Fatal(err)
	}
}

// cpuOver is the CPU time that drover takes in a time.
func (d *instance) cpuOver(span time.Duration) time.Duration {
	d.t.Helper()
	used := func() time.Duration {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
		if err != nil {
			d.t.Fatal(err)
		}
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		var user, system int64
		if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
			d.t.Fatal(err)
		}
		return time.Duration(user+system) * 10 * time.Millisecond
	}
	before := used()
	time.Sleep(span)
	return used() - before
}

// crowd is clients that hold their connections open.
type crowd struct {
	t     *testing.T
	conns []net.Conn
}

func (c *crowd) open(address string, n int) {
	c.t.Helper()
	for range n {
		nc, err := net.DialTimeout("tcp", address, patience)
		switch {
		case err == nil:
			c.conns = append(c.conns, nc)
		case !errors.Is(err, syscall.ECONNRESET): // by a tcp listener that turned it away at once
			c.t.Fatal(err)
		}
	}
}

func (c *crowd) leave() {
	for _, nc := range c.conns {
		_ = nc.Close() // nothing is on its way
	}
	c.conns = nil
}

// ask sends a request on each connection at once and counts the answers by status; 0 is none.
func (c *crowd) ask(path string) (byStatus [600]int64) {
	done := make(chan int, len(c.conns))
	for _, nc := range c.conns {
		go func() {
			status := 0
			defer func() { done <- status }()
			_ = nc.SetDeadline(time.Now().Add(patience))                          // else the write says more
			_, _ = io.WriteString(nc, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n") // one that was turned away reads why
			resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				return
			}
			_ = resp.Body.Close() // its status is what counts
			status = resp.StatusCode
		}()
	}
	for range c.conns {
		atomic.AddInt64(&byStatus[<-done], 1)
	}
	return byStatus
}

// replaces kills a worker, and waits for the next generation to run.
func (d *instance) replaces() {
	d.t.Helper()
	victim := d.running()[0]
	d.kill(victim.ID)
	d.eventually("a worker that was killed is replaced", func() error {
		for _, w := range d.running() {
			if w.Slot == victim.Slot && w.Generation == victim.Generation+1 {
				return nil
			}
		}
		return fmt.Errorf("workers %+v", d.workers())
	})
}

// Clients cannot take all the files that drover may have open: workers are
// started and probed and operators answered while they try.
func TestFault_NoFilesAreLeft(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "prlimit")
	d := newInstance(t)
	d.startBehind([]string{"prlimit", "--nofile=256:256"}, "run", "-c", d.settings(sampleSettings(2, "healthCheck: { interval: 200ms }", "")))
	d.waitReady()
	d.waitRunning(2)
	before := d.files()
	clients := &crowd{t: t}
	t.Cleanup(clients.leave)

	clients.open(d.front, 500) // that say nothing
	d.eventually("some are turned away", func() error {
		if n := d.metric(`drover_rejected_total{reason="open-files"}`); n < 250 {
			return fmt.Errorf("%v are", n)
		}
		return nil
	})
	d.eventually("some of 256 files are left", func() error {
		if n := d.files(); n < 180 || n > 230 {
			return fmt.Errorf("%d are open", n)
		}
		return nil
	})
	d.replaces()
	d.passes()
	if spent := d.cpuOver(500 * time.Millisecond); spent > 200*time.Millisecond {
		t.Errorf("drover took %v of CPU in half a second in which nothing happened", spent)
	}
	// All who were let in ask at once, and stay for a while.
	answered := clients.ask("/slow?ms=300")
	if answered[200] < 40 || answered[503] < 250 || answered[200]+answered[503]+answered[0] != 500 {
		t.Errorf("%d were served, %d refused, %d got no answer", answered[200], answered[503], answered[0])
	}
	d.replaces()
	if _, out, _ := d.cli("events"); strings.Count(out, "open-files") != 1 || strings.Contains(out, "upstream-ejected") {
		t.Errorf("the events are\n%s", out)
	}

	// Less than is open: none is left for anything.
	if n := d.files(); n < before+60 {
		t.Fatalf("only %d files are open", n)
	}
	d.limitFiles(uint64(before + 40))
	late := &crowd{t: t}
	t.Cleanup(late.leave)
	late.open(d.front, 50) // the kernel takes them in
	if spent := d.cpuOver(500 * time.Millisecond); spent > 200*time.Millisecond {
		t.Errorf("drover took %v of CPU in half a second in which it could not accept anything", spent)
	}
	clients.leave()
	late.leave()
	d.eventually("clients are served again", func() error {
		got, err := (&client{address: d.front}).once("GET", "/", "")
		if err == nil && got.status != 200 {
			err = fmt.Errorf("status %d", got.status)
		}
		return err
	})
	d.waitRunning(2)
	d.limitFiles(256)
	d.eventually("what was opened is closed", func() error {
		if n := d.files(); n > before+10 {
			return fmt.Errorf("%d files are open, %d were before", n, before)
		}
		return nil
	})
	clients.open(d.front, 80)
	if answered := clients.ask("/slow?ms=100"); answered[200] != 80 {
		t.Errorf("%d of 80 are served: 503 %d, none %d", answered[200], answered[503], answered[0])
	}
}

// passes waits until a probe has passed that began after now.
func (d *instance) passes() {
	d.t.Helper()
	before := d.metric(`drover_healthcheck_total{pool="app",result="pass"}`)
	d.eventually("probes pass", func() error {
		if d.metric(`drover_healthcheck_total{pool="app",result="pass"}`) < before+4 {
			return fmt.Errorf("they do not")
		}
		return nil
	})
}

// Bytes of a TCP relay go through pipes of the kernel only as long as there are files for those.
func TestFault_NoFilesAreLeftByRelays(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "prlimit")
	d := newInstance(t)
	d.startBehind([]string{"prlimit", "--nofile=256:256"}, "run", "-c", d.settings(strings.Replace(
		sampleSettings(2, "healthCheck: { interval: 200ms, type: http }", ""), "pool: app }", "pool: app, protocol: tcp }", 1)))
	d.waitReady()
	d.waitRunning(2)
	clients := &crowd{t: t}
	t.Cleanup(clients.leave)
	clients.open(d.front, 500)
	if answered := clients.ask("/slow?ms=300"); answered[200] < 40 {
		t.Errorf("%d were served, %d got no answer", answered[200], answered[0])
	}
	d.eventually("some of 256 files are left, when those who are turned away have gone", func() error {
		if n := d.files(); n < 150 || n > 235 {
			return fmt.Errorf("%d are open", n)
		}
		return nil
	})
	d.replaces()
	d.passes()
}
