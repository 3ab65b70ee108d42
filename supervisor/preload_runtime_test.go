package supervisor

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// runtimes are the programs that load the preload.
func runtimes(t *testing.T) map[string]string {
	t.Helper()
	workertest.Need(t, "node")
	return map[string]string{"node": "node", "bun": workertest.Bun(t, "..")}
}

// talker is a program that was given the preload and a channel, with the test at
// the other end.
type talker struct {
	t    *testing.T
	end  *os.File
	in   *bufio.Reader
	done chan error
}

// startTalker runs a program, which reports every 20 ms in place of every second.
func startTalker(t *testing.T, argv ...string) *talker {
	t.Helper()
	return startRestricted(t, "", argv...)
}

// startRestricted starts one that may not load every module.
func startRestricted(t *testing.T, modules string, argv ...string) *talker {
	t.Helper()
	path, err := WritePreload(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	who := identity{ID: "a-1.1", Pool: "a", Slot: 1, Generation: 1, Transport: "port", Preload: path, Channel: true, Modules: modules}
	cmd := exec.Command(argv[0], argv[1:]...)
	for _, kv := range environ(os.Environ(), nil, nil, nil, nil, who) {
		if strings.HasPrefix(kv, "DROVER_RUNTIME=") {
			kv = "DROVER_RUNTIME=20"
		}
		cmd.Env = append(cmd.Env, kv)
	}
	cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = []*os.File{theirs}, os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &talker{t: t, end: ours, in: bufio.NewReader(ours), done: make(chan error, 1)}
	go func() { w.done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // mostly ended already
		_ = ours.Close()
	})
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// heard is a line of a program: a report, or what testdata/runtime.js answers.
type heard struct {
	Drover         string   `json:"drover"`
	LoopDelayMS    float64  `json:"loopDelayMs"`
	HeapBytes      uint64   `json:"heapBytes"`
	HeapLimitBytes uint64   `json:"heapLimitBytes"`
	Held           *int     `json:"held"`
	Heard          int      `json:"heard"`
	Said           []string `json:"said"`
}

func (w *talker) say(line string) {
	w.t.Helper()
	if _, err := w.end.WriteString(line + "\n"); err != nil {
		w.t.Fatal(err)
	}
}

// until reads lines until one is as wanted, and returns it.
func (w *talker) until(what string, want func(heard) bool) heard {
	w.t.Helper()
	if err := w.end.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			w.t.Fatalf("waited in vain for %s: %v", what, err)
		}
		var h heard
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		if want(h) {
			return h
		}
	}
}

// ask has testdata/runtime.js say how much garbage is left and how many messages it heard.
func (w *talker) ask() (garbage, messages int) {
	w.t.Helper()
	w.say(`{"ask":true}`)
	h := w.until("an answer", func(h heard) bool { return h.Held != nil })
	return *h.Held, h.Heard
}

func TestPreload_TellsOfEventLoopAndHeap(t *testing.T) {
	for name, program := range runtimes(t) {
		t.Run(name, func(t *testing.T) {
			w := startTalker(t, program, "testdata/runtime.js")
			h := w.until("a report", func(h heard) bool { return h.Drover == "runtime" })
			if h.HeapBytes == 0 || h.HeapLimitBytes == 0 && name == "node" || h.HeapLimitBytes > 0 && h.HeapBytes > h.HeapLimitBytes {
				t.Errorf("it reports %+v", h)
			}
			w.say(`{"block":500}`)
			w.until("a report of the blocked loop", func(h heard) bool { return h.LoopDelayMS > 300 })
			w.until("one of a loop that is free again", func(h heard) bool { return h.Drover == "runtime" && h.LoopDelayMS < 300 })

			w.say(`{"fork":true}`)
			if h := w.until("the end of its child", func(h heard) bool { return h.Said != nil }); len(h.Said) != 1 || h.Said[0] != "from the child" {
				t.Errorf("the channel of a child that it forked has %q", h.Said)
			}
		})
	}
}

func TestPreload_CollectsGarbageAndTheProgramHearsNothing(t *testing.T) {
	for name, program := range runtimes(t) {
		t.Run(name, func(t *testing.T) {
			w := startTalker(t, program, "testdata/runtime.js")
			before, _ := w.ask()
			w.say(`{"drover":"gc","cmd":"NODE_DROVER_GC"}`)
			after, messages := w.ask()
			if before < 500 || after > before/2 || messages != 2 {
				t.Errorf("garbage: %d objects, then %d; it heard %d messages, want the 2 of this test", before, after, messages)
			}
		})
	}
}

func TestPreload_NeedsNoModuleThatTheProgramMayNotLoad(t *testing.T) {
	for name, program := range runtimes(t) {
		for _, modules := range []string{
			`{"pool":"a","allow":["child_process"],"deny":[]}`,
			`{"pool":"a","allow":[],"deny":["cluster","fs","net","path","perf_hooks","v8","vm","worker_threads"]}`,
		} {
			t.Run(name+" "+modules, func(t *testing.T) {
				w := startRestricted(t, modules, program, "testdata/runtime.js")
				for range 3 {
					w.until("a report", func(h heard) bool { return h.Drover == "runtime" })
				}
				before, _ := w.ask()
				w.say(`{"drover":"gc","cmd":"NODE_DROVER_GC"}`)
				if after, _ := w.ask(); before < 500 || after > before/2 {
					t.Errorf("garbage: %d objects, then %d", before, after)
				}
			})
		}
	}
}

func TestPreload_KeepsNoProgramAlive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nothing.js")
	if err := os.WriteFile(file, []byte("setTimeout(() => {}, 100)"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, program := range runtimes(t) {
		t.Run(name, func(t *testing.T) {
			w := startTalker(t, program, file)
			w.until("a report", func(h heard) bool { return h.Drover == "runtime" })
			select {
			case err := <-w.done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(30 * time.Second):
				t.Error("it does not end")
			}
		})
	}
}
