package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// auditLine is what the tests read of a line of ipc.audit.file.
type auditLine struct{ Time, Kind, From, To, Type, Result string }

func (d *instance) audited(name string) []auditLine {
	d.t.Helper()
	raw, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	var all []auditLine
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			d.t.Fatalf("%s: %v", line, err)
		}
		all = append(all, l)
	}
	return all
}

// memoryOf is how much memory a process holds, in bytes: VmRSS now, VmHWM at most.
func memoryOf(t *testing.T, pid int, field string) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, field+": %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	t.Fatalf("no %s", field)
	return 0
}

// keepsMemory fails the test when drover ever used more memory.
func (d *instance) keepsMemory(limit int64) {
	d.t.Helper()
	if raceEnabled {
		limit *= 8 // the promise is the ordinary binary's
	}
	most := memoryOf(d.t, d.cmd.Process.Pid, "VmHWM")
	if d.t.Logf("drover used at most %d MB", most>>20); most > limit {
		d.t.Errorf("that is more than %d MB", limit>>20)
	}
}

// TestHostile_AWorkerThatSaysAnythingHarmsNobody runs a worker that was taken
// over beside others, and looks at these, at drover and at the audit log.
func TestHostile_AWorkerThatSaysAnythingHarmsNobody(t *testing.T) {
	t.Parallel()
	_, good := testWorker(t, "talk")
	_, bad := testWorker(t, "babble")
	d := newInstance(t).run(`
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
pools:
  app: { command: ` + good + `, workers: 2, healthCheck: { type: ipc, interval: 2s, timeout: 2s } }
  evil: { command: ` + bad + `, workers: 1 }
admin: { address: "${ADMIN}" }
ipc:
  allow: [ { from: evil, to: app, types: [ "a.*", echo ] } ]
  audit: { enabled: true, file: audit.log }
`)
	d.waitRunning(3)
	d.eventually("the bad one is refused things", func() error {
		for _, l := range d.audited("audit.log") {
			if l.From == "evil-1.1" && l.Result == "forbidden" {
				return nil
			}
		}
		return fmt.Errorf("no line of it")
	})
	for i := range 50 {
		// The bad one may send to these, so it may fill their queues: others are told so then, until
		// drover reads no more from it because it does not read.
		d.eventually("the others can talk", func() error {
			code, body := d.post("/api/v1/ipc/request", fmt.Sprintf(`{"worker":"app-%d","type":"echo","data":%d}`, i%2+1, i))
			if code == http.StatusOK && strings.Contains(body, fmt.Sprintf(`"data":%d`, i)) {
				return nil
			}
			if !strings.Contains(body, "queue-full") && !strings.Contains(body, "timeout") {
				t.Errorf("message %d: %d %s", i, code, body)
			}
			return fmt.Errorf("%s", body)
		})
		if r, err := http.Get("http://" + d.front + "/"); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %v %v", i, r, err)
		} else if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, w := range d.workers() {
		if w.Restarts != 0 {
			t.Errorf("worker %s was restarted: %s", w.ID, w.LastReason)
		}
	}
	// What waits for one worker is bounded, and so is what is read of one.
	d.keepsMemory(300 << 20)
	for _, l := range d.audited("audit.log") {
		if l.Result == "ok" && l.From == "evil-1.1" && !strings.HasPrefix(l.Type, "a.") && l.Type != "echo" {
			t.Errorf("got through: %+v", l)
		}
	}

	info, err := os.Stat(filepath.Join(d.dir, "audit.log"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the audit log is %v, %v", info.Mode(), err)
	}
	if err := os.Rename(filepath.Join(d.dir, "audit.log"), filepath.Join(d.dir, "audit.old")); err != nil {
		t.Fatal(err)
	}
	d.signal(syscall.SIGUSR1)
	d.eventually("a new audit log has the next message", func() error {
		if code, body := d.post("/api/v1/ipc/send", `{"worker":"app-1","type":"a.last"}`); code != http.StatusOK {
			return fmt.Errorf("%d %s", code, body)
		}
		if _, err := os.Stat(filepath.Join(d.dir, "audit.log")); err != nil {
			return err
		}
		for _, l := range d.audited("audit.log") {
			if l.Type == "a.last" && l.From == "drover" && l.Result == "ok" {
				return nil
			}
		}
		return fmt.Errorf("it has not")
	})
	begun := time.Now()
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 || time.Since(begun) > 20*time.Second {
		t.Errorf("drover ended with %d after %v", code, time.Since(begun))
	}
}
