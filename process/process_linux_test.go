package process_test

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

func TestProcess_TerminateReachesTheGroup(t *testing.T) {
	s := newSpawner(t, process.Options{})
	p := start(t, s, shell("sleep 1000 & sleep 1000 & wait"))
	eventually(t, "three run", func() bool { return len(p.Tree()) == 3 })
	if err := p.Terminate(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.Exit().Signal != syscall.SIGTERM {
		t.Error(p.Exit())
	}
	eventually(t, "none is left", func() bool { return len(p.Tree()) == 0 })
	if err := p.Terminate(syscall.SIGTERM); err == nil {
		t.Error("a signal to nobody was no error")
	}
}

func TestProcess_TerminateReachesTheGroupWithoutItsLeader(t *testing.T) {
	s := newSpawner(t, process.Options{})
	p := start(t, s, shell("sleep 1000 & exit 0"))
	<-p.Done()
	if tree := p.Tree(); len(tree) != 1 {
		t.Fatalf("tree %v", tree)
	}
	if err := p.Terminate(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "none is left", func() bool { return len(p.Tree()) == 0 })
}

func TestProcess_TerminateRestReachesWhoLeftTheGroup(t *testing.T) {
	s := newSpawner(t, process.Options{Subreaper: true})
	spec := shell("(setsid sleep 1000 &) ; setsid sh -c 'kill -STOP $$; sleep 1000' & (trap '' TERM; exec sleep 1000) & wait")
	spec.ID = "app-1.1"
	spec.Env = append(spec.Env, "DROVER_WORKER_ID=app-1.1")
	p := start(t, s, spec)
	eventually(t, "four run, each as it will", func() bool {
		var are []string
		for _, pid := range p.Tree() {
			state, _, _ := strings.Cut(status(pid, "State"), " ")
			are = append(are, strings.Join([]string{status(pid, "Name"), state}, " "))
		}
		slices.Sort(are)
		return slices.Equal(are, []string{"sh S", "sh T", "sleep S", "sleep S"})
	})
	if err := p.Terminate(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if tree := p.Tree(); len(tree) != 3 {
		t.Errorf("after the group was asked to end there are %v", tree)
	}
	p.TerminateRest(syscall.SIGTERM)
	eventually(t, "only who ignores it is left", func() bool { return len(p.Tree()) == 1 })
	p.Kill()
	p.TerminateRest(syscall.SIGTERM) // nobody
}

func TestProcess_TerminateWakesTheStopped(t *testing.T) {
	s := newSpawner(t, process.Options{})
	out := pipe(t)
	spec := shell("trap 'exit 5' TERM; echo; while :; do sleep 0.01; done")
	spec.Stdout = out.w
	p := start(t, s, spec)
	if _, err := out.r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is stopped", func() bool { return strings.HasPrefix(status(p.PID(), "State"), "T") })
	if err := p.Terminate(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.Exit().String(); got != "exit status 5" {
		t.Error(got)
	}
}

func TestProcess_DoneDoesNotWaitForWhoHoldsTheOutput(t *testing.T) {
	s := newSpawner(t, process.Options{Subreaper: true})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	spec := worker("fork")
	spec.Stdout, spec.Stderr = w, w
	p := start(t, s, spec)
	_ = w.Close()
	<-p.Done()
	if got := p.Exit().String(); got != "exit status 0" {
		t.Error(got)
	}
	if tree := p.Tree(); len(tree) != 1 {
		t.Errorf("the tree without its root is %v", tree)
	}
	p.Kill()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("somebody still holds the output: %d, %v", n, err)
	}
}

func TestProcess_FindsAndKillsDaemons(t *testing.T) {
	f := func(o process.Options, extra ...string) {
		t.Helper()
		s := newSpawner(t, o)
		spec := worker("daemonize", "exit0")
		spec.ID = "app-1.1"
		spec.Env = append(append(spec.Env, "DROVER_WORKER_ID=app-1.1", "PORT="+freePort(t)), extra...)
		p := start(t, s, spec)
		<-p.Done()
		tree := p.Tree()
		if len(tree) != 1 || status(tree[0], "NSsid") == status(os.Getpid(), "NSsid") {
			t.Errorf("the tree without its root is %v", tree)
		}
		p.Kill()
		for _, pid := range tree {
			if alive(pid) {
				t.Errorf("process %d outlived Kill", pid)
			}
		}
		if len(p.Tree()) != 0 {
			t.Errorf("Tree is not empty")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	f(process.Options{Subreaper: true})
	f(process.Options{}, "NOTIFY_SOCKET=/run/of/this/test")
	f(process.Options{})
}

func TestProcess_RemembersWhoLeftWithoutAMark(t *testing.T) {
	s := newSpawner(t, process.Options{})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	spec := shell("setsid env -i sleep 1000 & read x; exit 0")
	spec.Stdin = r
	p := start(t, s, spec)
	_ = r.Close()
	eventually(t, "the second was seen", func() bool { return len(p.Tree()) == 2 })
	_ = w.Close()
	<-p.Done()
	tree := p.Tree()
	if len(tree) != 1 {
		t.Fatalf("tree %v", tree)
	}
	p.Kill()
	if alive(tree[0]) {
		t.Error("it outlived Kill")
	}
}

func TestProcess_KillEndsWhatForksAllTheTime(t *testing.T) {
	f := func(script string) {
		t.Helper()
		s := newSpawner(t, process.Options{Subreaper: true})
		spec := shell(script)
		spec.ID = "app-1.1"
		spec.Env = append(spec.Env, "DROVER_WORKER_ID=app-1.1", tagEnv+"="+t.Name())
		p := start(t, s, spec)
		eventually(t, "it has forked", func() bool { return len(p.Tree()) > 1 })
		p.Kill()
		if left := tagged(t.Name()); len(left) > 0 {
			t.Errorf("%s: %v outlived Kill", script, left)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	f("i=0; while [ $i -lt 2000 ]; do sleep 1000 & i=$((i+1)); done; wait")
	f("hop() { (sleep 0.001; hop) & }; hop; hop; wait; sleep 1000")
	f("i=0; while [ $i -lt 2000 ]; do (setsid sleep 1000 &); i=$((i+1)); done; wait")
}

func TestProcess_KillAfterTheEndDoesNothing(t *testing.T) {
	s := newSpawner(t, process.Options{})
	p := start(t, s, shell("exit 4"))
	<-p.Done()
	p.Kill()
	p.Kill()
	if got := p.Exit().String(); got != "exit status 4" {
		t.Error(got)
	}
	if tree := p.Tree(); len(tree) != 0 {
		t.Errorf("tree %v", tree)
	}
}

func TestProcess_Evidence(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(want string, script string, prepare func(*process.Process)) {
		t.Helper()
		p := start(t, s, shell(script))
		prepare(p)
		if got := p.Evidence(); got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
		p.Kill()
	}
	f(process.EvidenceDeadlock, "exec sleep 1000", func(p *process.Process) {
		eventually(t, "it sleeps", func() bool {
			return status(p.PID(), "Name") == "sleep" && strings.HasPrefix(status(p.PID(), "State"), "S")
		})
	})
	f(process.EvidenceStopped, "kill -STOP $$", func(p *process.Process) {
		eventually(t, "it is stopped", func() bool { return strings.HasPrefix(status(p.PID(), "State"), "T") })
	})
	f(process.EvidenceExited, "exit 0", func(p *process.Process) { <-p.Done() })
	// Several, since this machine may be too busy to give one process half a core.
	f(process.EvidenceSpin, "for i in 1 2 3 4; do (while :; do :; done) & done; wait", func(p *process.Process) {
		eventually(t, "all run", func() bool { return len(p.Tree()) == 5 })
	})
}

// Where it may not take the time, a thread that computes is known by being ready to run, also where the first one sleeps.
func TestProcess_EvidenceOfAThreadThatGetsLittleTime(t *testing.T) {
	workertest.Need(t, "python3")
	s := newSpawner(t, process.Options{})
	spec := process.Spec{Argv: []string{"python3", "-c", `
import threading
def compute():
    while True: pass
threading.Thread(target=compute).start()`}, Env: environ(nil)}
	spec.Bounds.CPU = 10
	p := bounded(t, s, spec, process.BoundCPU)
	eventually(t, "it computes", func() bool {
		return status(p.PID(), "Threads") == "2" && strings.HasPrefix(status(p.PID(), "State"), "S")
	})
	if got := p.Evidence(); got != process.EvidenceSpin {
		t.Error(got)
	}
}

func sorted(words []string) string {
	slices.Sort(words)
	return strings.Join(words, " ")
}
