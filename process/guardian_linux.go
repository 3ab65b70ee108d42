package process

import (
	"fmt"
	"maps"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guardian is drover's end of the second process that kills the trees when drover was killed. It
// keeps what that process was told, so that the next one can be told the same when it dies.
//
// Its lock comes after that of the Spawner and that of a tree.
type guardian struct {
	spawner *Spawner
	wanted  bool
	died    chan struct{} // a token: start another one

	mu      sync.Mutex
	pid     int // 0: none
	pidfd   int // -1: none
	pipe    int // -1: none
	ended   chan struct{}
	stopped bool
	untold  bool                               // something changed or found no room while the process was being started
	told    map[*Process]map[identity]struct{} // roots, and members outside the root's session
}

func newGuardian(s *Spawner, wanted bool) *guardian {
	return &guardian{spawner: s, wanted: wanted, pidfd: -1, pipe: -1, died: make(chan struct{}, 1),
		told: make(map[*Process]map[identity]struct{})}
}

// start forks the process and lets a goroutine replace it whenever it ends.
func (g *guardian) start() error {
	if !g.wanted {
		return nil
	}
	if err := g.fork(); err != nil {
		return fmt.Errorf("start the guardian: %w", err)
	}
	g.spawner.running.Add(1)
	go g.keep()
	return nil
}

func (g *guardian) keep() {
	defer g.spawner.running.Done()
	var last time.Time
	for {
		select {
		case <-g.died:
		case <-g.spawner.quit:
			return
		}
		// At once, but not in a tight loop when it cannot live.
		wait := time.NewTimer(time.Until(last.Add(time.Second)))
		select {
		case <-wait.C:
		case <-g.spawner.quit:
			wait.Stop()
			return
		}
		last = time.Now()
		if err := g.fork(); err != nil {
			g.again() // out of processes or memory for the moment
		}
	}
}

func (g *guardian) again() {
	select {
	case g.died <- struct{}{}:
	default:
	}
}

// fork starts the process.
func (g *guardian) fork() error {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	defer syscall.Close(fds[0])
	// A writer that waits for a guardian that does not read would stop everything else.
	err := syscall.SetNonblock(fds[1], true)
	// Room for what thousands of workers take. Where the system allows less, telling takes longer.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, 1<<20)
	pidfd := -1
	if err == nil {
		null := g.spawner.null.Fd()
		err = g.spawner.forkOn(&forkOrder{
			name: guardianName, arg: strconv.Itoa(g.spawner.session), dir: "/",
			env:     []string{"GOMAXPROCS=1", "GOGC=20", "GOMEMLIMIT=16MiB"},
			files:   []uintptr{null, null, null, uintptr(fds[0])},
			attr:    syscall.SysProcAttr{Setsid: true, PidFD: &pidfd}, // no Pdeathsig: it is there to outlive us
			prepare: func() { g.fill(fds[1]) },
			started: func(pid int, _ time.Time) { g.begin(pid, pidfd, fds[1]) },
		})
	}
	if err != nil {
		_ = syscall.Close(fds[1])
	}
	return err
}

// fill writes all that is to be told into a pipe that nobody reads yet, so that the new process is
// of use from its first moment. What does not fit is told by begin.
func (g *guardian) fill(pipe int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.untold = false
	g.eachLocked(func(n notice) {
		if _, err := syscall.Write(pipe, n.encode()); err != nil {
			g.untold = true
		}
	})
}

// begin makes the new process the one that is told. The lock of the Spawner was held since fill, so
// that nothing was added; when a member or an end was noted meanwhile everything is told again,
// which does no harm.
func (g *guardian) begin(pid, pidfd, pipe int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pid, g.pidfd, g.pipe, g.ended = pid, pidfd, pipe, make(chan struct{})
	if g.untold {
		g.eachLocked(g.tellLocked)
	}
}

// eachLocked calls f with everything that a guardian has to know.
func (g *guardian) eachLocked(f func(notice)) {
	for p, members := range g.told {
		f(addNotice(p.id, p.mark))
		if p.group != nil {
			f(groupNotice(p.id, p.group))
		}
		for member := range members {
			f(memberNotice(p.id, member))
		}
	}
}

// add tells of a started process. The lock of the Spawner is held.
func (g *guardian) add(p *Process) {
	if !g.wanted {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told[p] = make(map[identity]struct{})
	g.tellLocked(addNotice(p.id, p.mark))
	if p.group != nil {
		g.tellLocked(groupNotice(p.id, p.group))
	}
}

// note tells of members that have left the root's session, which is the last moment that their
// ancestors show where they belong. What has an init ends with it.
func (g *guardian) note(p *Process, members []proc) {
	if !g.wanted || p.space != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	told, ok := g.told[p]
	if !ok {
		return
	}
	now := make(map[identity]struct{})
	for _, m := range members {
		if m.session == p.id.pid {
			continue
		}
		id := identity{m.pid, m.start}
		now[id] = struct{}{}
		if _, ok := told[id]; !ok {
			g.tellLocked(memberNotice(p.id, id))
		}
	}
	clear(told)
	maps.Copy(told, now)
}

// remove tells that nothing is left of a process.
func (g *guardian) remove(p *Process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.told[p]; ok {
		delete(g.told, p)
		g.tellLocked(notice{verb: noticeRemove, root: p.id})
	}
}

// tellLocked writes a notice. A guardian that does not read for a second is as good as none: it is
// killed, and the next one is told everything.
func (g *guardian) tellLocked(n notice) {
	message := n.encode()
	g.untold = g.untold || g.pipe < 0
	for g.pipe >= 0 {
		_, err := syscall.Write(g.pipe, message)
		switch err {
		case nil:
			return
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			const patience = 1000 // milliseconds
			ready, err := unix.Poll([]unix.PollFd{{Fd: int32(g.pipe), Events: unix.POLLOUT}}, patience)
			if ready > 0 || err == unix.EINTR {
				continue
			}
			g.killLocked()
		}
		g.closeLocked()
	}
}

// collected is told of each pid that was waited for and is no Process. The lock of the Spawner is held.
func (g *guardian) collected(pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if pid != g.pid || pid == 0 {
		return
	}
	g.pid = 0
	if g.pidfd >= 0 {
		_ = unix.Close(g.pidfd) // nothing depends on it any more
		g.pidfd = -1
	}
	g.closeLocked()
	close(g.ended)
	if !g.stopped {
		g.again()
	}
}

// process returns the pid, 0 when there is none.
func (g *guardian) process() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pid
}

func (g *guardian) closeLocked() {
	if g.pipe >= 0 {
		_ = syscall.Close(g.pipe) // a pipe has nothing to lose
		g.pipe = -1
	}
}

// stop sends it away and waits until it has gone.
func (g *guardian) stop() {
	g.mu.Lock()
	g.stopped = true
	g.tellLocked(notice{verb: noticeQuit})
	g.closeLocked()
	pid, ended := g.pid, g.ended
	g.mu.Unlock()
	if pid == 0 {
		return
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ended:
		return
	case <-timer.C:
	}
	g.mu.Lock()
	if g.pid == pid {
		g.killLocked() // stopped or starved; there is nothing for it to do any more
	}
	g.mu.Unlock()
	<-ended
}

func (g *guardian) killLocked() {
	if g.pid == 0 {
		return
	}
	if g.pidfd >= 0 {
		_ = unix.PidfdSendSignal(g.pidfd, syscall.SIGKILL, nil, 0) // it has ended otherwise
		return
	}
	_ = syscall.Kill(g.pid, syscall.SIGKILL)
}

func groupNotice(root identity, g *cgroup) notice {
	n := notice{verb: noticeGroup, root: root}
	copy(n.extra[:], g.folders)
	return n
}
