package process_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/process"
)

// A host is a process like drover: the test binary run again, with a Spawner, a guardian and the
// programs that the test wants. It takes commands, a line each, and answers with a line each.

const (
	hostEnv = "DROVER_TEST_HOST" // the specs as JSON
	tagEnv  = "DROVER_TEST_TAG"  // by which the test finds all that belongs to one host
)

func host() {
	text := os.Getenv(hostEnv)
	if text == "" {
		return
	}
	time.AfterFunc(5*time.Minute, func() { syscall.Exit(99) })
	var specs []process.Spec
	if err := json.Unmarshal([]byte(text), &specs); err != nil {
		hostFails(err)
	}
	s, err := process.New(process.Options{Guardian: true, Subreaper: true})
	if err != nil {
		hostFails(err)
	}
	var started []*process.Process
	for _, spec := range specs {
		spec.Stdout, spec.Stderr = os.Stdout, os.Stderr
		p, err := s.Start(spec)
		if err != nil {
			hostFails(err)
		}
		started = append(started, p)
	}
	fmt.Println("host started")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "tree": // of all
			pids := []int{}
			for _, p := range started {
				pids = append(pids, p.Look()...)
			}
			fmt.Println(strings.Trim(fmt.Sprint(pids), "[]"))
		case "pid":
			fmt.Println(os.Getpid())
		case "held": // bounds of the first
			for _, h := range started[0].Held() {
				fmt.Println(h.Bound, h.Level, h.Why)
			}
		case "zombies": // all that it can see
			n := 0
			for _, pid := range pids() {
				if !alive(pid) {
					n++
				}
			}
			fmt.Println(n)
		case "close":
			err := s.Close()
			fmt.Println("closed", err)
			syscall.Exit(0)
		}
	}
	select {}
}

func hostFails(err error) {
	fmt.Println("host failed:", err)
	syscall.Exit(1)
}

// aHost is a running host.
type aHost struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
	tag   string
}

// startHost runs a host; wrapper is put before its command line.
func startHost(t *testing.T, wrapper []string, specs ...process.Spec) *aHost {
	t.Helper()
	h := &aHost{t: t, tag: fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano()), lines: make(chan string, 100)}
	for i := range specs {
		specs[i].Env = append(specs[i].Env, tagEnv+"="+h.tag)
		specs[i].Stderr = nil // the host gives its own
	}
	text, err := json.Marshal(specs)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(append([]string{}, wrapper...), self)
	h.cmd = exec.Command(argv[0], argv[1:]...)
	h.cmd.Env = append(os.Environ(), hostEnv+"="+string(text))
	h.cmd.Stderr = os.Stderr
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	// An own pipe: Wait would not return as long as a worker holds it.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	h.cmd.Stdout = w
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	go func() {
		defer close(h.lines)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			h.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		h.kill()
		_ = r.Close()
		eventually(t, "nothing of the host is left over", func() bool { return len(tagged(h.tag)) == 0 })
	})
	return h
}

// line returns the next line of the host or its programs.
func (h *aHost) line() string {
	h.t.Helper()
	select {
	case line := <-h.lines:
		return line
	case <-time.After(30 * time.Second):
		h.t.Fatal("the host says nothing")
		return ""
	}
}

// await reads lines until one is it.
func (h *aHost) await(want string) {
	h.t.Helper()
	for line := h.line(); line != want; line = h.line() {
		if strings.HasPrefix(line, "host failed") {
			h.t.Fatal(line)
		}
	}
}

func (h *aHost) ask(command string) string {
	h.t.Helper()
	if _, err := io.WriteString(h.stdin, command+"\n"); err != nil {
		h.t.Fatal(err)
	}
	return h.line()
}

func (h *aHost) tree() []int {
	h.t.Helper()
	var pids []int
	for _, word := range strings.Fields(h.ask("tree")) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			h.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// kill ends the host as nothing it can see coming.
func (h *aHost) kill() {
	if h.cmd.ProcessState == nil {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	}
}

// guardian returns the pid of the guardian, 0 when there is none.
func (h *aHost) guardian() int { return guardianOf(h.cmd.Process.Pid) }

func guardianOf(parent int) int {
	for _, pid := range pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasPrefix(string(text), "drover-guardian\x00") && status(pid, "PPid") == strconv.Itoa(parent) {
			return pid
		}
	}
	return 0
}

// tagged returns the live programs of a host, without the host and its guardian.
func tagged(tag string) []int {
	var found []int
	for _, pid := range pids() {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && strings.Contains(string(env), tagEnv+"="+tag+"\x00") && alive(pid) {
			found = append(found, pid)
		}
	}
	return found
}

func pids() []int {
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	var found []int
	for _, name := range names {
		if pid, err := strconv.Atoi(filepath.Base(name)); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// status returns a field of /proc/PID/status, empty when there is no such process.
func status(pid int, field string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func alive(pid int) bool {
	state := status(pid, "State")
	return state != "" && state[0] != 'Z' && state[0] != 'X'
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to this: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
