package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// markEnv marks drover and all that it starts with the folder of the instance.
const markEnv = "E2E"

// patience bounds every wait for something that should happen soon: the machine may be busy.
const patience = 60 * time.Second

// instance is one drover under test.
type instance struct {
	t      *testing.T
	dir    string // settings, output, run folder
	cwd    string // its working directory: dir, unless a test says otherwise
	binary string // a link of its own, so that its processes are told from those of other tests
	front  string // host:port of its listener
	admin  string // host:port of its admin address
	env    []string
	cmd    *exec.Cmd
	done   chan struct{}
}

// newInstance prepares a folder and addresses; nothing runs yet.
func newInstance(t *testing.T) *instance {
	t.Helper()
	if runtime.GOOS != "linux" {
		workertest.Lack(t, "drover runs on Linux")
	}
	binary := droverBinary(t)
	// Not t.TempDir: a Unix socket's path has room for 107 bytes.
	dir, err := os.MkdirTemp("", "drv")
	if err != nil {
		t.Fatal(err)
	}
	d := &instance{t: t, dir: dir, cwd: dir, binary: filepath.Join(dir, "drover"), front: freeAddress(t), admin: freeAddress(t)}
	if err := os.Link(binary, d.binary); err != nil {
		t.Fatal(err)
	}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DROVER_") {
			d.env = append(d.env, e)
		}
	}
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	d.setenv("XDG_RUNTIME_DIR", run)
	d.setenv(markEnv, dir)
	d.setenv("FRONT", d.front)
	d.setenv("ADMIN", d.admin)
	d.setenv("DIR", dir)
	t.Cleanup(d.cleanup)
	return d
}

func (d *instance) setenv(name, value string) { d.env = append(d.env, name+"="+value) }

// testWorker is a command line that runs the test binary as a worker of the given mode (see
// internal/workertest), also in JSON, which is YAML too.
func testWorker(t *testing.T, mode string, args ...string) (argv []string, asJSON string) {
	t.Helper()
	argv = []string{"env"}
	binary, env := workertest.Command(mode, args...)
	for name, value := range env {
		argv = append(argv, name+"="+value)
	}
	argv = append(argv, binary...)
	raw, err := json.Marshal(argv)
	if err != nil {
		t.Fatal(err)
	}
	return argv, string(raw)
}

// settings writes the settings file. ${FRONT}, ${ADMIN} and ${DIR} are in drover's environment.
func (d *instance) settings(text string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, "drover.yaml")
	if err := os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// start runs drover with these arguments, perhaps behind a program such as unshare.
func (d *instance) start(args ...string) *instance {
	d.t.Helper()
	return d.startBehind(nil, args...)
}

func (d *instance) startBehind(wrapper []string, args ...string) *instance {
	d.t.Helper()
	output, err := os.OpenFile(filepath.Join(d.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = output.Close() }() // drover has its own copy
	argv := append(append(wrapper, d.binary), args...)
	d.cmd = exec.Command(argv[0], argv[1:]...)
	d.cmd.Dir, d.cmd.Env = d.cwd, d.env
	d.cmd.Stdout, d.cmd.Stderr = output, output
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = make(chan struct{})
	go func() {
		_ = d.cmd.Wait() // its status is in ProcessState
		close(d.done)
	}()
	return d
}

// run starts drover with a settings file and waits until it is ready.
func (d *instance) run(settings string) *instance {
	d.t.Helper()
	d.start("run", "-c", d.settings(settings))
	return d.waitReady()
}

// command starts drover as `drover run … -- COMMAND` does, without a settings file, and waits until it
// is ready.
func (d *instance) command(argv ...string) *instance {
	d.t.Helper()
	d.start(append(d.commandFlags("--workers", "2"), append([]string{"--"}, argv...)...)...)
	return d.waitReady()
}

// commandFlags are what keeps an instance without a settings file apart from others.
func (d *instance) commandFlags(more ...string) []string {
	return append([]string{"run", "--listen", d.front, "--admin-address", d.admin}, more...)
}

func (d *instance) waitReady() *instance {
	d.t.Helper()
	d.eventually("drover is ready", func() error {
		if d.ended() {
			d.t.Fatalf("drover ended: %v\n%s", d.cmd.ProcessState, d.output())
		}
		status, body, err := d.api("GET", "/readyz", "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", status, body)
		}
		return err
	})
	return d
}

// eventually waits until the condition holds.
func (d *instance) eventually(what string, condition func() error) {
	d.t.Helper()
	eventually(d.t, what, condition)
}

func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not after %v: %s: %v", patience, what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (d *instance) ended() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// signal sends a signal to drover itself.
func (d *instance) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatalf("send %v to drover: %v", s, err)
	}
}

// wait returns drover's exit status, and fails when it does not end.
func (d *instance) wait() int {
	d.t.Helper()
	select {
	case <-d.done:
		return d.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		d.t.Fatalf("drover did not end within %v\n%s", patience, d.output())
		return -1
	}
}

// api sends a request to the admin address.
func (d *instance) api(method, path, body string, header ...string) (int, string, error) {
	answer, err := (&client{address: d.admin}).once(method, path, body, header...)
	if err != nil {
		return 0, "", err
	}
	return answer.status, string(answer.body), nil
}

// get decodes the JSON of an admin endpoint.
func (d *instance) get(path string, into any) {
	d.t.Helper()
	status, body, err := d.api("GET", path, "")
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("GET %s: %d %s %v", path, status, body, err)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		d.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// post sends a change and returns the status.
func (d *instance) post(path, body string) (int, string) {
	d.t.Helper()
	status, answer, err := d.api("POST", path, body, "Content-Type: application/json")
	if err != nil {
		d.t.Fatalf("POST %s: %v", path, err)
	}
	return status, answer
}

// worker is what the tests read of a worker of GET /api/v1/workers.
type worker struct {
	ID         string `json:"id"`
	Slot       int    `json:"slot"`
	Generation int    `json:"generation"`
	PID        int    `json:"pid"`
	State      string `json:"state"`
	Health     string `json:"health"`
	Address    string `json:"address"`
	Restarts   int    `json:"restarts"`
	LastReason string `json:"lastReason"`
	Drained    bool   `json:"drained"`
}

func (d *instance) workers() []worker {
	d.t.Helper()
	var list struct {
		Workers []worker `json:"workers"`
	}
	d.get("/api/v1/workers", &list)
	return list.Workers
}

// running returns the workers that requests may go to.
func (d *instance) running() []worker {
	d.t.Helper()
	var healthy []worker
	for _, w := range d.workers() {
		if w.State == "running" && w.Health == "healthy" {
			healthy = append(healthy, w)
		}
	}
	return healthy
}

// waitRunning waits until exactly n workers exist and all of them are running and healthy.
func (d *instance) waitRunning(n int) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("%d workers run", n), func() error {
		all, healthy := d.workers(), d.running()
		if len(all) != n || len(healthy) != n {
			return fmt.Errorf("there are %+v", all)
		}
		return nil
	})
}

// cli runs another command against this instance.
func (d *instance) cli(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	cmd := exec.Command(d.binary, args...)
	cmd.Env = append(d.env, "DROVER_ADMIN=http://"+d.admin)
	return runBounded(d.t, cmd)
}

// try runs drover to its end, for what must not start; it must leave nothing behind.
func (d *instance) try(args ...string) (code int, output string) {
	d.t.Helper()
	cmd := exec.Command(d.binary, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	code, stdout, stderr := runBounded(d.t, cmd)
	d.noneLeft(2 * time.Second)
	return code, stdout + stderr
}

func runBounded(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.WaitDelay = 5 * time.Second // what a worker left running holds our pipes
	if e := cmd.Start(); e != nil {
		t.Fatal(e)
	}
	var late atomic.Bool
	timer := time.AfterFunc(patience, func() {
		late.Store(true)
		_ = cmd.Process.Kill() // it may have ended at this moment
	})
	defer timer.Stop()
	_ = cmd.Wait() // its status is in ProcessState
	if late.Load() {
		t.Fatalf("%v did not end within %v\n%s%s", cmd.Args, patience, out.String(), err.String())
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

// output returns what drover and its workers have written so far.
func (d *instance) output() string {
	raw, err := os.ReadFile(filepath.Join(d.dir, "output"))
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// cleanup ends what runs and fails the test when a process outlives drover.
func (d *instance) cleanup() {
	if d.cmd != nil && !d.ended() {
		_ = d.cmd.Process.Kill() // it may have ended at this moment
		<-d.done
	}
	d.noneLeft(5 * time.Second)
	for _, crash := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if d.cmd != nil && strings.Contains("\n"+d.output(), "\n"+crash) {
			d.t.Errorf("drover's output has %q", crash)
		}
	}
	if d.t.Failed() {
		lines := strings.Split(strings.TrimSpace(d.output()), "\n")
		d.t.Logf("the end of drover's output:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
	_ = os.RemoveAll(d.dir) // a rest in the temporary folder is not worth a failure
}

var nextPort atomic.Int32

// freeAddress returns a loopback address that nobody listens on: below the ephemeral range, from which
// outgoing connections take theirs, and away from the workers' ports.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 2000 {
		port := 11000 + (os.Getpid()*37+int(nextPort.Add(1)))%7000
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close() // it never served
			return address
		}
	}
	t.Fatal("no free port between 11000 and 18000")
	return ""
}
