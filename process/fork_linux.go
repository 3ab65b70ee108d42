package process

import (
	"maps"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// forkOrder is a wish to fork, for the goroutine that may.
type forkOrder struct {
	name  string // shimName or guardianName
	arg   string
	env   []string
	files []uintptr
	dir   string
	attr  syscall.SysProcAttr
	// Both are called on the forking thread with the lock of the Spawner held: prepare, which may be
	// nil, before the fork, and started after it, so that no status can be collected before the
	// child is known.
	prepare func()
	started func(pid int, at time.Time)
	done    chan error
}

// forkOn hands the order to the forking thread and waits for it.
func (s *Spawner) forkOn(o *forkOrder) error {
	o.done = make(chan error, 1)
	select {
	case s.orders <- o:
		return <-o.done
	case <-s.quit:
		return errClosed
	}
}

// fork is the goroutine that starts and reaps all children. Its thread must live as long as they
// do, since the kernel sends the signal for the parent's death when the thread that forked ends.
func (s *Spawner) fork() {
	defer s.running.Done()
	// Never unlocked: the thread ends with the goroutine, when all children have.
	runtime.LockOSThread()
	for {
		select {
		case o := <-s.orders:
			o.done <- s.forkNow(o)
		case <-s.children:
			s.reap()
		case <-s.quit:
			return
		}
	}
}

func (s *Spawner) forkNow(o *forkOrder) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if o.prepare != nil {
		o.prepare()
	}
	at := time.Now()
	pid, err := syscall.ForkExec("/proc/self/exe", []string{o.name, o.arg}, &syscall.ProcAttr{
		Dir: o.dir, Env: o.env, Files: o.files, Sys: &o.attr,
	})
	if err != nil {
		return err
	}
	o.started(pid, at)
	return nil
}

// reap collects the status of every child that has ended. SIGCHLD coalesces, so it goes on until
// there is none.
func (s *Spawner) reap() {
	if s.adopts { // orphans, too, of whose numbers we know nothing
		for s.reapOne(-1) {
		}
		return
	}
	// Only what was started here, which leaves other children to whoever has started them.
	for _, pid := range s.awaited() {
		s.reapOne(pid)
	}
}

func (s *Spawner) awaited() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := slices.Collect(maps.Keys(s.unreaped))
	if pid := s.guardian.process(); pid != 0 {
		pids = append(pids, pid)
	}
	return pids
}

// reapOne collects one status, of that child or, with -1, of any. It reports whether to go on.
func (s *Spawner) reapOne(which int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(which, &status, syscall.WNOHANG, nil) // never interrupted: it does not wait
	if err != nil || pid <= 0 {
		return false
	}
	if p, ok := s.unreaped[pid]; ok {
		delete(s.unreaped, pid)
		p.endedLocked(status)
	} else {
		s.guardian.collected(pid)
	}
	// Also after an orphan: it may have been the last of its tree.
	select {
	case s.exited <- struct{}{}:
	default:
	}
	return true
}

// sweep looks, after exits, which trees have become empty.
func (s *Spawner) sweep() {
	defer s.running.Done()
	for {
		select {
		case <-s.exited:
			s.sweepOnce()
		case <-s.quit:
			return
		}
	}
}

func (s *Spawner) sweepOnce() {
	s.mu.Lock()
	var ended []*Process
	for p := range s.live {
		if p.reaped {
			ended = append(ended, p)
		}
	}
	s.mu.Unlock()
	if len(ended) == 0 {
		return
	}
	t, err := s.tables.read()
	if err != nil {
		return // the next exit tries again
	}
	for _, p := range ended {
		if len(p.membersIn(t)) == 0 {
			p.release()
		}
	}
}
