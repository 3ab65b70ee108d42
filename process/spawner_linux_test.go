package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/process"
)

func TestSpawner_ReportsExits(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	f := func(script, want string) {
		t.Helper()
		p := start(t, s, shell(script))
		<-p.Done()
		if got := p.Exit().String(); got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
		if p.Exit().At.Before(p.Started()) {
			t.Errorf("%s: ended at %v, before it started at %v", script, p.Exit().At, p.Started())
		}
	}
	f("exit 0", "exit status 0")
	f("exit 7", "exit status 7")
	f("exit 255", "exit status 255")
	f("kill -9 $$", "signal: killed")
	f("kill -TERM $$", "signal: terminated")
}

func TestSpawner_LosesNoExitOfManyAtOnce(t *testing.T) {
	f := func(o process.Options) {
		s := newSpawner(t, o)
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				spec := shell(fmt.Sprintf("exit %d", i))
				if i%4 == 0 {
					spec = process.Spec{Argv: []string{"/bin/true"}} // ends before anybody can look
				}
				p, err := s.Start(spec)
				if err != nil {
					t.Error(err)
					return
				}
				<-p.Done()
				want := i
				if i%4 == 0 {
					want = 0
				}
				if got := p.Exit(); got.Code != want || got.Signal != 0 {
					t.Errorf("program %d: %v", i, got)
				}
			})
		}
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	f(process.Options{Subreaper: true, Guardian: true})
	f(process.Options{})
}

func TestSpawner_KeepsNothingOfManyStarts(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	starts := 1000
	if raceDetector {
		starts = 200
	}
	run := func(n int) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range n / 4 {
					p, err := s.Start(process.Spec{ID: "app-1.1", Argv: []string{"/bin/true"}})
					if err != nil {
						t.Error(err)
						return
					}
					<-p.Done()
				}
			})
		}
		wg.Wait()
	}
	run(40)
	files, routines := openFiles(t), runtime.NumGoroutine()
	run(starts)
	eventually(t, fmt.Sprintf("%d open files and %d goroutines as before", files, routines), func() bool {
		return openFiles(t) <= files && runtime.NumGoroutine() <= routines
	})
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

func TestSpawner_IsAloneAndCanBeFollowed(t *testing.T) {
	s, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.New(process.Options{}); err == nil {
		t.Error("a second one could be made")
	}
	p := start(t, s, shell("sleep 1000 & wait"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	select {
	case <-p.Done():
	default:
		t.Error("Close left a program")
	}
	if _, err := s.Start(shell("exit 0")); err == nil {
		t.Error("a program was started after Close")
	}
	newSpawner(t, process.Options{Subreaper: true})
}

func TestSpawner_LeavesOtherChildrenAlone(t *testing.T) {
	s := newSpawner(t, process.Options{})
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 9"}, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child has ended", func() bool { return !alive(pid) })
	p := start(t, s, shell("exit 0")) // its end makes the Spawner collect
	<-p.Done()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 9 {
		t.Errorf("status %v, error %v", status.ExitStatus(), err)
	}
}

func TestSpawner_RunEndsTheTree(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(script string, limit time.Duration, want string, wantErr error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		tag := fmt.Sprintf("run-%d", time.Now().UnixNano())
		spec := shell(script)
		spec.Env = append(spec.Env, tagEnv+"="+tag)
		exit, err := s.Run(ctx, spec)
		if exit.String() != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, %v; want %s, %v", script, exit, err, want, wantErr)
		}
		if left := tagged(tag); len(left) > 0 {
			t.Errorf("%s: %v are left", script, left)
		}
	}
	f("exit 3", time.Minute, "exit status 3", nil)
	f("sleep 1000 & exit 0", time.Minute, "exit status 0", nil)
	f("sleep 1000 & sleep 1000", 50*time.Millisecond, "signal: killed", context.DeadlineExceeded)
}

func TestSpawner_ChecksAreNoPartOfTheWorker(t *testing.T) {
	s := newSpawner(t, process.Options{Subreaper: true})
	env := append(environ(nil), "DROVER_WORKER_ID=app-1.1", "NOTIFY_SOCKET=/x/y")
	p := start(t, s, process.Spec{ID: "app-1.1", Argv: []string{"sleep", "1000"}, Env: env})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := s.Run(ctx, process.Spec{ID: "app-1.1", Argv: []string{"sleep", "1001"}, Env: env})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	eventually(t, "both run", func() bool { return len(childrenOf(os.Getpid())) >= 2 })
	if tree := p.Tree(); len(tree) != 1 {
		t.Errorf("the worker's tree is %v", tree)
	}
	cancel()
	<-done
	if !alive(p.PID()) {
		t.Error("the end of the check ended the worker")
	}
}

func childrenOf(parent int) []int {
	var found []int
	for _, pid := range pids() {
		if status(pid, "PPid") == fmt.Sprint(parent) && alive(pid) {
			found = append(found, pid)
		}
	}
	return found
}

func TestSpawner_CloseEndsOrphansWithoutAMark(t *testing.T) {
	s := newSpawner(t, process.Options{Subreaper: true})
	spec := shell("(setsid env -i sleep 4321 &) ; exit 0")
	p := start(t, s, spec)
	<-p.Done()
	var left []int
	eventually(t, "the orphan is ours", func() bool { left = childrenOf(os.Getpid()); return len(left) == 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if alive(left[0]) {
		t.Error("an orphan outlived Close")
		_ = syscall.Kill(left[0], syscall.SIGKILL)
	}
}

func TestSpawner_ProgramsOutliveTheThreadThatAsked(t *testing.T) {
	s := newSpawner(t, process.Options{})
	started := make(chan *process.Process)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		p, err := s.Start(shell("sleep 1000"))
		if err != nil {
			t.Error(err)
		}
		started <- p
	}()
	p := <-started
	next := start(t, s, shell("exit 0")) // some time passes
	<-next.Done()
	if !alive(p.PID()) {
		t.Errorf("it ended with the thread: %v", p.Exit())
	}
}

func TestSpawner_CloseEndsManyTreesAtOnce(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	tag := fmt.Sprintf("many-%d", time.Now().UnixNano())
	for i := range 40 {
		spec := shell("trap '' TERM; sleep 1000 & (setsid sleep 1000 &) ; wait; sleep 1000")
		spec.ID = fmt.Sprintf("app-%d.1", i)
		spec.Env = append(spec.Env, tagEnv+"="+tag, "DROVER_WORKER_ID="+spec.ID)
		start(t, s, spec)
	}
	eventually(t, "all run", func() bool { return len(tagged(tag)) == 120 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left := tagged(tag); len(left) > 0 {
		t.Errorf("%v outlived Close", left)
	}
}
