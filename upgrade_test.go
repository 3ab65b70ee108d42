package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// upgradeSettings has a listener of each kind.
const upgradeSettings = `
server:
  listeners:
    - { name: web, address: "${FRONT}", pool: app }
    - { name: sock, address: "unix:${DIR}/web.sock", pool: app }
    - { name: raw, address: "unix:${DIR}/raw.sock", protocol: tcp, pool: app }
  timeouts: { drain: 2s }
pools:
  app:
    command: ["${GO_SERVER}"]
    workers: 2
    env: { JOURNAL: "${DIR}/journal", RELEASE: "1" }
admin: { address: "${ADMIN}" }
`

// program runs commands of drover as it was built, whatever became of the instance's binary.
func (d *instance) program(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	cmd := exec.Command(droverBinary(d.t), args...)
	cmd.Env = append(d.env, "DROVER_ADMIN=http://"+d.admin)
	return runBounded(d.t, cmd)
}

// pid is that of the drover that answers.
func (d *instance) pid() int {
	d.t.Helper()
	var status struct {
		PID int `json:"pid"`
	}
	d.get("/api/v1/status", &status)
	return status.PID
}

// upgraded upgrades, and waits until the drover before has ended.
func (d *instance) upgraded() {
	d.t.Helper()
	before := d.pid()
	code, stdout, stderr := d.program("upgrade")
	after := d.pid()
	if code != 0 || after == before || !strings.Contains(stdout, fmt.Sprintf("pid %d, has taken over", after)) {
		d.t.Fatalf("drover upgrade ended with %d, pid %d is now %d\n%s%s", code, before, after, stdout, stderr)
	}
	d.gone(before)
}

func (d *instance) gone(pid int) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("drover %d has ended", pid), func() error {
		if state, _, err := processStat(pid); err == nil && state != "Z" {
			return fmt.Errorf("it is in state %s", state)
		}
		return nil
	})
}

// stopLast stops the drover that answers, which may be no child of the test, and waits until nothing is left.
func (d *instance) stopLast() {
	d.t.Helper()
	if code, _, stderr := d.program("stop"); code != 0 {
		d.t.Fatalf("drover stop ended with %d: %s", code, stderr)
	}
	d.noneLeft(patience)
}

// overSocket sends a request to a Unix socket.
func overSocket(path string) error {
	nc, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return err
	}
	defer func() { _ = nc.Close() }()
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	answer, err := io.ReadAll(nc)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		return fmt.Errorf("%q, %w", answer, errors.Join(err, errors.New("no 200")))
	}
	return nil
}

func (d *instance) socketsServe() {
	d.t.Helper()
	for _, name := range []string{"web.sock", "raw.sock"} {
		if err := overSocket(filepath.Join(d.dir, name)); err != nil {
			d.t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUpgrade_FailsNoRequestAlsoTwiceInARow(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	if code, _, stderr := d.program("scale", "app", "3"); code != 0 {
		t.Fatal(stderr)
	}
	d.waitRunning(3)
	u := disturb(d, drain)
	generation := func(want int) {
		t.Helper()
		d.waitRunning(3) // not what the settings say
		for _, w := range d.workers() {
			if w.Generation != want {
				t.Errorf("worker %s, want generation %d", w.ID, want)
			}
		}
	}
	d.upgraded()
	d.socketsServe()
	generation(2)
	d.upgraded()
	d.socketsServe()
	generation(3)
	u.check()
	d.stopLast()
	for _, name := range []string{"web.sock", "raw.sock", "run/drover/admin.sock"} {
		if _, err := os.Lstat(filepath.Join(d.dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(d.dir, "run/drover/run-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUpgrade_BySignalAndReloadAfterIt(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	before := d.pid()
	d.signal(syscall.SIGUSR2)
	d.gone(before)
	if d.wait() != 0 || d.pid() == before {
		t.Errorf("the first drover ended with %d; pid %d answers", d.cmd.ProcessState.ExitCode(), d.pid())
	}
	d.socketsServe()
	// A listener that was taken over can be closed and opened again.
	without := strings.Replace(upgradeSettings, `    - { name: sock, address: "unix:${DIR}/web.sock", pool: app }`+"\n", "", 1)
	reload := func(text string) {
		d.settings(text)
		if code, _, stderr := d.program("reload"); code != 0 {
			t.Errorf("reload: %s", stderr)
		}
	}
	reload(without)
	d.eventually("the listener is closed", func() error {
		if _, err := os.Lstat(filepath.Join(d.dir, "web.sock")); !errors.Is(err, os.ErrNotExist) {
			return errors.New("its socket is still there")
		}
		return nil
	})
	reload(upgradeSettings)
	d.socketsServe()
	// It has a guardian of its own.
	if err := syscall.Kill(d.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.noneLeft(5 * time.Second)
}

func TestUpgrade_TellsTheServiceManager(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(d.dir, "manager"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = manager.Close() }()
	d.setenv("NOTIFY_SOCKET", filepath.Join(d.dir, "manager"))
	told := func(want string) {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 100)
		n, err := manager.Read(text)
		if err != nil || string(text[:n]) != want {
			t.Errorf("it was told %q, %v, want %q", text[:n], err, want)
		}
	}
	d.run(upgradeSettings)
	told("READY=1")
	d.settings(strings.Replace(upgradeSettings, `["${GO_SERVER}"]`, `["false"]`, 1))
	d.refused("pool app: ") // and whoever did not take over says nothing of its end
	d.settings(upgradeSettings)
	for range 2 {
		d.upgraded()
		main, ready := fmt.Sprintf("MAINPID=%d", d.pid()), "READY=1"
		text := make([]byte, 100) // the two drovers speak at the same time
		if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		n, err := manager.Read(text)
		if first := string(text[:n]); err != nil || first != main && first != ready {
			t.Errorf("it was told %q, %v", first, err)
		} else if first == main {
			told(ready)
		} else {
			told(main)
		}
	}
	d.stopLast()
	told("STOPPING=1")
}

func TestUpgrade_KilledInTheMiddleLeavesNothing(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	d.neverReady()
	d.signal(syscall.SIGUSR2)
	d.raises()
	d.signal(syscall.SIGKILL)
	d.noneLeft(5 * time.Second)
}

// neverReady writes settings whose workers do not listen.
func (d *instance) neverReady() {
	d.t.Helper()
	d.settings(strings.Replace(upgradeSettings, `["${GO_SERVER}"]`, `[sleep, "60"]`, 1))
}

// raises waits until a new drover has started its workers.
func (d *instance) raises() {
	d.t.Helper()
	d.eventually("the new drover starts workers", func() error {
		for _, pid := range d.processes() {
			if strings.Contains(describe(pid), "sleep 60") {
				return nil
			}
		}
		return errors.New("it does not")
	})
}

// tellHeir sends a signal to the new drover, which has started its workers.
func (d *instance) tellHeir(sig syscall.Signal) {
	d.t.Helper()
	for _, pid := range d.processes() {
		if !strings.Contains(describe(pid), "sleep 60") {
			continue
		}
		_, heir, err := processStat(pid)
		if err == nil {
			err = syscall.Kill(heir, sig)
		}
		if err != nil {
			d.t.Fatal(err)
		}
		return
	}
	d.t.Fatal("there is no new drover")
}

// refused expects that an upgrade changes nothing, and says why.
func (d *instance) refused(says ...string) {
	d.t.Helper()
	before := d.pid()
	code, stdout, stderr := d.program("upgrade")
	if code != 3 || stdout != "" || d.pid() != before {
		d.t.Errorf("drover upgrade ended with %d, pid %d is now %d\n%s%s", code, before, d.pid(), stdout, stderr)
	}
	for _, words := range says {
		if !strings.Contains(stderr, words) {
			d.t.Errorf("it says %q, without %q", stderr, words)
		}
	}
	d.waitRunning(2)
	d.socketsServe()
}

func TestUpgrade_ABadBinaryLeavesTheOldServing(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	load := startLoad(d, 50, getKind(), echoKind())
	good := d.binary + ".good"
	if err := os.Rename(d.binary, good); err != nil {
		t.Fatal(err)
	}
	f := func(program string, mode os.FileMode, says string) {
		t.Helper()
		if err := os.WriteFile(d.binary, []byte(program), mode); err != nil {
			t.Fatal(err)
		}
		d.refused(says)
		if err := os.Remove(d.binary); err != nil {
			t.Fatal(err)
		}
	}
	f("#!/bin/sh\nexit 7\n", 0o755, "ended before it could take over: exit status 7")
	f("#!/bin/sh\nkill -SEGV $$\n", 0o755, "segmentation fault")
	f("#!/bin/sh\nexit 7\n", 0o644, "chmod +x")
	f("\x7fELF and no more", 0o755, "damaged or cut off")
	f("#!/bin/sh\necho hello >&3\nsleep 60\n", 0o755, "is it a drover that can take over?")
	d.refused("no such file")
	load.end().noFailure(t, "GET", "POST echo")
	if err := os.Rename(good, d.binary); err != nil {
		t.Fatal(err)
	}
	d.upgraded()
	d.socketsServe()
	d.stopLast()
}

func TestUpgrade_FollowsTheLinkThatDroverWasStartedBy(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	old, next := d.binary+"-1", d.binary+"-2"
	for _, err := range []error{os.Rename(d.binary, old), os.Link(old, next), os.Symlink(old, d.binary)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d.run(upgradeSettings)
	d.waitRunning(2)
	for _, err := range []error{os.Remove(d.binary), os.Symlink(next, d.binary)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d.upgraded()
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", d.pid())); exe != next || err != nil {
		t.Errorf("%s runs now, %v", exe, err)
	}
	d.stopLast()
}

func TestUpgrade_BadSettingsLeaveTheOldServing(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	load := startLoad(d, 50, getKind(), echoKind())
	f := func(old, new string, says ...string) {
		t.Helper()
		d.settings(strings.Replace(upgradeSettings, old, new, 1))
		d.refused(says...)
	}
	f("workers: 2", "worker: 2", "drover.yaml:10: pools.app.worker: unknown key", "goes on with those it has")
	f(`["${GO_SERVER}"]`, `["false"]`, "pool app: ")
	f(`["${GO_SERVER}"]`, `[sleep, "60"]
    processManagement: { startTimeout: 1s }`, "pool app: ", "1s")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	f("unix:${DIR}/web.sock", taken.Addr().String(), "is in use by another program")
	load.end().noFailure(t, "GET", "POST echo")
	d.settings(upgradeSettings)
	d.upgraded()
	d.stopLast()
}

func TestUpgrade_TakesNewListenersAndLeavesOldOnes(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	d.settings(strings.Replace(upgradeSettings, "unix:${DIR}/web.sock", "unix:${DIR}/new.sock", 1))
	d.upgraded()
	if err := overSocket(filepath.Join(d.dir, "new.sock")); err != nil {
		t.Error(err)
	}
	if err := overSocket(filepath.Join(d.dir, "web.sock")); err == nil {
		t.Error("the listener that the settings do not have any more still serves")
	}
	if _, err := os.Lstat(filepath.Join(d.dir, "web.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its socket is left behind: %v", err)
	}
	d.stopLast()
}

func TestUpgrade_TheCacheGoesOver(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	entry := filepath.Join(d.dir, "warm.json")
	if err := os.WriteFile(entry, []byte(`[{"namespace": "a", "key": "b", "value": {"c": 1}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(upgradeSettings + `cache: { enabled: true, file: "${DIR}/cache", warm: [ { file: "${DIR}/warm.json" } ] }` + "\n")
	if err := os.WriteFile(entry, []byte(`[]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d.upgraded()
		if code, stdout, stderr := d.program("cache", "get", "a", "b"); code != 0 || !strings.Contains(stdout, `{"c":1}`) {
			t.Errorf("drover cache get: %d %s%s", code, stdout, stderr)
		}
	}
	d.stopLast()
	if text, err := os.ReadFile(filepath.Join(d.dir, "cache")); err != nil || !strings.Contains(string(text), `"c":1`) {
		t.Errorf("cache.file has %q, %v", text, err)
	}
}

func TestUpgrade_OneAtATimeAndNotWhileStopping(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, upgradeSettings)
	d.waitRunning(2)
	d.neverReady()
	first := make(chan int, 1)
	go func() {
		status, _, err := d.api("POST", "/api/v1/upgrade", "{}", "Content-Type: application/json")
		if err != nil {
			status = -1 // drover stops before it answers
		}
		first <- status
	}()
	d.raises()
	if status, body := d.post("/api/v1/reload", "{}"); status != http.StatusConflict || !strings.Contains(body, "an upgrade is going on") {
		t.Errorf("reload: %d %s", status, body)
	}
	// Nor does the new drover begin one before it has taken over.
	d.tellHeir(syscall.SIGUSR2)
	d.eventually("the new drover refuses", func() error {
		if !strings.Contains(d.output(), "an upgrade is going on already") {
			return errors.New("it says nothing")
		}
		return nil
	})
	d.refused("an upgrade is going on already")
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d", code)
	}
	if status := <-first; status == http.StatusOK {
		t.Error("the upgrade succeeded")
	}
	d.noneLeft(5 * time.Second)
}

func TestUpgrade_AutoscalingGoesOnFromWhereItWas(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(upgradeSettings, "    workers: 2\n", "    workers: 1\n    autoScaling: { enabled: true, minWorkers: 1, maxWorkers: 4, scaleDownCooldown: 1h }\n", 1))
	for _, n := range []string{"3", "auto"} {
		if code, _, stderr := d.program("scale", "app", n); code != 0 {
			t.Fatalf("drover scale app %s: %s", n, stderr)
		}
	}
	d.waitRunning(3)
	d.upgraded()
	if n := len(d.running()); n != 3 {
		t.Errorf("%d workers serve after the upgrade, want 3", n)
	}
	d.stopLast()
}

func TestUpgrade_KeepsWhatOperatorsHaveSaidAndEveryLineOfTheLog(t *testing.T) {
	t.Parallel()
	settings := strings.Replace(upgradeSettings, "pools:\n", `
logging: { files: [ { path: "${DIR}/log/drover.log", maxSize: 4KB, maxFiles: 1000 } ] }
pools:
  far:
    upstreams: [ { name: a, address: "127.0.0.1:1" }, { name: b, address: "127.0.0.1:2" }, { name: c, address: "127.0.0.1:3" } ]
    healthCheck: { enabled: false }
`, 1)
	d := runGoServers(t, settings)
	d.waitRunning(2)
	for _, command := range []string{"upstream drain a", "upstream maintenance b", "upstream weight c 7", "worker stop app-2"} {
		if code, _, stderr := d.program(strings.Fields(command)...); code != 0 {
			t.Fatalf("drover %s: %s", command, stderr)
		}
	}
	l := startLoad(d, 400, getKind())
	d.upgraded()
	l.end().noFailure(t, "GET")
	var list struct {
		Pools []struct {
			Name      string
			Upstreams []struct {
				ID                   string
				Drained, Maintenance bool
				Weight               int
			}
		}
	}
	d.get("/api/v1/pools", &list)
	if got, want := fmt.Sprint(list.Pools[1]), "{far [{a true false 1} {b false true 1} {c false false 7}]}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	states := func() string {
		var all []string
		for _, w := range d.workers() {
			all = append(all, w.ID+" "+w.State)
		}
		return strings.Join(all, ", ")
	}
	if got := states(); got != "app-1.2 running, app-2.1 stopped" {
		t.Errorf("workers: %s", got)
	}
	if code, _, stderr := d.program("worker", "restart", "app-2"); code != 0 {
		t.Errorf("restart: %s", stderr)
	}
	d.waitRunning(2)
	d.stopLast()

	answered, logged, files := l.sent["GET"], 0, 0
	paths, err := filepath.Glob(filepath.Join(d.dir, "log", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files++
		logged += strings.Count(string(text), `"msg":"request"`)
	}
	if logged != answered || files < 4 {
		t.Errorf("%d requests were answered, and %d are in %d log files", answered, logged, files)
	}
}
