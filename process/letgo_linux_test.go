package process

import (
	"syscall"
	"testing"
	"time"
)

func TestProcess_LetGoOutlivesTheSpawner(t *testing.T) {
	s, err := New(Options{Guardian: true, Subreaper: true})
	if err != nil {
		t.Fatal(err)
	}
	start := func(outlives bool) *Process {
		t.Helper()
		p, err := s.Start(Spec{Argv: []string{"/bin/sh", "-c", "sleep 60 & wait"}, Env: []string{"PATH=/usr/bin:/bin"}, Outlives: outlives})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	free, kept, unwanted := start(true), start(true), start(true)
	for len(free.Tree()) < 2 || len(kept.Tree()) < 2 || len(unwanted.Tree()) < 2 {
		time.Sleep(treeAge)
	}
	tree := free.Tree()
	free.LetGo()
	gone := unwanted.Tree()
	unwanted.LetGo()
	unwanted.Kill()
	for _, pid := range gone {
		if now, ok := readProc(pid); ok && !now.gone() {
			t.Errorf("process %d of the tree that was killed after it was let go still runs", pid)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(kept.PID(), 0); err == nil {
		t.Error("what was not let go still runs")
	}
	for _, pid := range tree {
		if now, ok := readProc(pid); !ok || now.gone() {
			t.Errorf("process %d of the tree that was let go has ended", pid)
		}
	}
	if err := syscall.Kill(-free.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(free.PID(), &status, 0, nil); err != nil || status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v, %v", status, err)
	}
}
