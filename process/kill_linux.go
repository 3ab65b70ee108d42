package process

import (
	"syscall"
	"time"
)

// killLimit bounds how long Kill waits: a process in uninterruptible sleep may take for ever.
const killLimit = 2 * time.Second

// Kill ends the whole tree with SIGKILL, including descendants that left group and session, and
// returns when it is empty and the direct child was waited for, or after 2 s. It may be called at
// any time, also after Done, where it ends what the process left behind.
func (p *Process) Kill() {
	if p.space != nil {
		p.killSpace()
		return
	}
	deadline := time.Now().Add(killLimit)
	if !p.isReaped() {
		// At once and for the whole group, so that a group that forks as fast as it can stands still.
		_ = p.signalGroup(syscall.SIGSTOP) // ESRCH: it has ended meanwhile
	}
	ended := killTree(deadline, func() []proc {
		members, err := p.members()
		if err != nil {
			return nil
		}
		return members
	})
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		return
	}
	if ended {
		p.release() // with nobody left to fork it stays empty
	}
}

// killTree ends what members returns until it returns nothing; false when the deadline has passed.
func killTree(deadline time.Time, members func() []proc) bool {
	pause := time.Millisecond
	for {
		alive := freeze(deadline, members)
		if len(alive) == 0 {
			return true
		}
		for _, m := range alive {
			_ = signalProc(m, syscall.SIGKILL) // ESRCH: it has ended
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause) // the kernel takes a moment to end them
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// freeze stops members until no new ones show up, because killing a parent first would cut off the
// only trace of a child that it has just forked. It returns the members.
func freeze(deadline time.Time, members func() []proc) []proc {
	stopped := make(map[identity]struct{})
	for {
		alive := members()
		grown := false
		for _, m := range alive {
			id := identity{m.pid, m.start}
			if _, ok := stopped[id]; ok {
				continue
			}
			stopped[id], grown = struct{}{}, true
			_ = signalProc(m, syscall.SIGSTOP) // ESRCH: it has ended
		}
		if !grown || time.Now().After(deadline) {
			return alive
		}
	}
}
