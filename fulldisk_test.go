package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// A disk that is full takes log lines, and nothing else: drover serves and
// supervises, counts what is lost, says it once, and writes on when there is room.
func TestFault_FullDiskUnderTheLogs(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	workertest.Need(t, "unshare")
	if out, err := exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt").CombinedOutput(); err != nil {
		workertest.Lack(t, fmt.Sprintf("this machine does not allow a mount namespace: %v %s", err, out))
	}
	d := newInstance(t)
	disk := filepath.Join(d.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	d.startBehind([]string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs -o size=1m tmpfs "$DIR/disk" && exec "$0" "$@"`}, "run", "-c", d.settings(
		sampleSettings(2, "healthCheck: { interval: 200ms }", `logging: { files: [ { path: "${DIR}/disk/drover.log" } ] }`)))
	d.waitReady()
	d.waitRunning(2)
	inside := filepath.Join(fmt.Sprintf("/proc/%d/root", d.cmd.Process.Pid), disk)
	ballast := filepath.Join(inside, "ballast")
	fill(t, ballast)

	l := startLoad(d, 200, homeKind())
	d.eventually("drover says that the disk is full", func() error {
		if _, out, _ := d.cli("events"); !strings.Contains(out, "log-failed") {
			return fmt.Errorf("the events are\n%s", out)
		}
		return nil
	})
	victim := d.running()[0]
	d.kill(victim.ID)
	d.eventually("a worker that was killed is replaced", func() error {
		for _, w := range d.running() {
			if w.Slot == victim.Slot && w.Generation == 2 {
				return nil
			}
		}
		return fmt.Errorf("workers %+v", d.workers())
	})
	d.eventually("lost lines are counted", func() error {
		requests, own := d.metric(`drover_log_lines_lost_total{kind="request"}`), d.metric(`drover_log_lines_lost_total{kind="drover"}`)
		if requests < 100 || own < 1 {
			return fmt.Errorf("%v of requests, %v of drover's own", requests, own)
		}
		return nil
	})
	l.end().noFailure(t, "GET")

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.eventually("lines are written again", func() error {
		d.request("GET", "/after", "")
		raw, err := os.ReadFile(filepath.Join(inside, "drover.log"))
		if err == nil && !strings.Contains(string(raw), `"log-recovered"`) {
			err = errors.New("there is nothing new")
		}
		return err
	})
	raw, err := os.ReadFile(filepath.Join(inside, "drover.log"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for line := range strings.Lines(string(raw)) {
		if !json.Valid([]byte(line)) {
			damaged++
		}
	}
	_, out, _ := d.cli("events")
	if failed, recovered := strings.Count(out, "log-failed"), strings.Count(out, "log-recovered"); failed != 1 || recovered != 1 || damaged > 1 {
		t.Errorf("it was told %d times that the disk is full, %d times that there is room, and %d lines are damaged", failed, recovered, damaged)
	}
	if n := strings.Count(d.output(), "cannot be written: no space left on device"); n != 1 {
		t.Errorf("standard error says it %d times: %s", n, d.output())
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
