package main

import (
	"fmt"
	"io/fs"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

func TestStop_SigtermDrainsAndLeavesNoProcess(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "drain: 2s", "drain: 30s", 1))
	type outcome struct {
		status int
		body   string
		err    error
	}
	results := make(chan outcome, 8)
	for range cap(results) {
		go func() {
			got, err := (&client{address: d.front}).once("GET", "/slow?ms=2000", "")
			if err != nil {
				results <- outcome{err: err}
				return
			}
			results <- outcome{got.status, string(got.body), nil}
		}()
	}
	d.awaitInFlight(cap(results))
	d.signal(syscall.SIGTERM)
	for range cap(results) {
		if r := <-results; r.err != nil || r.status != 200 || r.body != "slept\n" {
			t.Errorf("a request in flight at SIGTERM: %+v", r)
		}
	}
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d, want 0", code)
	}
	d.noneLeft(time.Second)
	if c, err := net.DialTimeout("tcp", d.front, time.Second); err == nil {
		_ = c.Close()
		t.Error("the listener is still open")
	}
	err := filepath.WalkDir(filepath.Join(d.dir, "run"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// awaitInFlight waits until so many requests are with the workers.
func (d *instance) awaitInFlight(n int) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("%d requests are in flight", n), func() error {
		var list struct {
			Workers []struct {
				InFlight int `json:"inFlight"`
			} `json:"workers"`
		}
		d.get("/api/v1/workers", &list)
		sum := 0
		for _, w := range list.Workers {
			sum += w.InFlight
		}
		if sum < n {
			return fmt.Errorf("%d are", sum)
		}
		return nil
	})
}

func TestStop_TheDeadlineCutsAndSaysSo(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "drain: 2s", "drain: 300ms", 1))
	events := openEvents(d)
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 1 {
		t.Errorf("drover cut a stream off and ended with %d, want 1", code)
	}
	d.noneLeft(time.Second)
	d.eventually("the stream ends", func() error {
		if events.cutBefore(time.Now()) == nil {
			return fmt.Errorf("it is open")
		}
		return nil
	})
}

func TestStop_ASecondSigtermIsFast(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "drain: 2s", "drain: 10m", 1))
	openEvents(d)
	d.signal(syscall.SIGTERM)
	d.eventually("drover is draining", func() error {
		if status, _, err := d.api("GET", "/readyz", ""); err == nil && status == 200 {
			return fmt.Errorf("it is ready")
		}
		return nil
	})
	if d.ended() {
		t.Fatal("drover did not wait for the stream")
	}
	d.signal(syscall.SIGTERM)
	d.wait() // with a drain time of ten minutes this is the promise
	d.noneLeft(time.Second)
}

func TestStop_CommandsStop(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, journalSettings)
	if code, stdout, stderr := d.cli("stop"); code != 0 {
		t.Errorf("drover stop ended with %d\n%s%s", code, stdout, stderr)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d, want 0", code)
	}
	d.noneLeft(time.Second)
	if code, _, stderr := d.cli("status"); code != 1 || stderr == "" {
		t.Errorf("status of a drover that is gone ended with %d: %q", code, stderr)
	}
}

func TestStop_AWorkerThatIgnoresSigtermIsKilled(t *testing.T) {
	t.Parallel()
	_, command := testWorker(t, "ignoreterm")
	d := newInstance(t)
	d.run(strings.NewReplacer(`["${GO_SERVER}"]`, command, "workers: 4",
		"workers: 2\n    processManagement: { gracefulShutdownTimeout: 200ms }").Replace(journalSettings))
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 1 {
		t.Errorf("drover ended with %d, want 1: two workers were cut off", code)
	}
	d.noneLeft(time.Second)
}

func TestStop_SigkillOfDroverLeavesNoWorker(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, journalSettings)
	d.killDrover()
}

func TestStop_SigkillOfDroverLeavesNoGrandchildOfNpm(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	d := newInstance(t).command("npm", "start", "--silent", "--prefix", app(t, "npm-start"))
	d.killDrover()
}

func TestStop_SigkillOfDroverReachesADaemon(t *testing.T) {
	t.Parallel()
	// The child that left group, session and parent serves; the direct one only waits.
	argv, _ := testWorker(t, "daemonize", "neverlisten")
	d := newInstance(t).command(argv...)
	d.killDrover()
}

// killDrover kills drover alone; within a second nothing of it may be left.
func (d *instance) killDrover() {
	d.t.Helper()
	if n := len(d.processes()); n < 3 {
		d.t.Fatalf("%d processes run: drover, its guardian and workers are expected", n)
	}
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	<-d.done
	limit := time.Second
	if raceEnabled {
		limit *= 5 // the promise is the ordinary binary's
	}
	d.noneLeft(limit)
}

func TestPID1_ServesAndReapsOrphans(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	workertest.Need(t, "unshare")
	if out, err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		workertest.Lack(t, fmt.Sprintf("this machine does not allow a PID namespace: %v %s", err, out))
	}
	d := newInstance(t)
	// Each start leaves two orphans behind, one that ends soon and one that does not.
	orphans := "(sleep 0.2 & sleep 600 &) ; exec '" + goServer(t) + "'"
	d.startBehind([]string{"unshare", "--pid", "--fork", "--mount-proc"},
		append(d.commandFlags("--workers", "2"), "--", "sh", "-c", orphans)...)
	d.waitReady()
	d.waitRunning(2)
	d.answers("GET", "/", "", `"app":"go-server"`)
	d.spreads(2)
	drover := d.childOf(d.cmd.Process.Pid)
	d.eventually("the orphans that ended are reaped", func() error {
		for _, pid := range allProcesses() {
			state, parent, err := processStat(pid)
			if err == nil && parent == drover && state == "Z" {
				return fmt.Errorf("%s is a zombie", describe(pid))
			}
			if err == nil && parent == drover && strings.Contains(describe(pid), "sleep 0.2") {
				return fmt.Errorf("%s still runs", describe(pid))
			}
		}
		return nil
	})
	if code, _, stderr := d.program("upgrade"); code != 3 || !strings.Contains(stderr, "drover is PID 1 here") {
		t.Errorf("drover upgrade ended with %d: %s", code, stderr)
	}
	// unshare ignores SIGTERM while it waits, so the signal goes to drover itself, as from a container engine.
	if err := syscall.Kill(drover, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("drover as PID 1 ended with %d, want 0", code)
	}
	d.noneLeft(time.Second)
}

func (d *instance) childOf(pid int) int {
	d.t.Helper()
	for _, p := range allProcesses() {
		if _, parent, err := processStat(p); err == nil && parent == pid {
			return p
		}
	}
	d.t.Fatalf("process %d has no child", pid)
	return 0
}
