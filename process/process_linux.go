package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a program that was started. All methods may be called concurrently.
type Process struct {
	spawner *Spawner
	id      identity
	mark    mark
	started time.Time
	done    chan struct{}
	held    []Held
	group   *cgroup // nil: none
	private bool    // in a network namespace of its own
	space   *space  // nil: it has no PIDs of its own

	// Guarded by spawner.mu, which is held while statuses are collected.
	reaped bool // the direct child was waited for, which is the program or its init
	pidfd  int  // -1: none
	exit   Exit

	treeMu sync.Mutex
	root   *root
	empty  bool // reaped, and nothing of the tree is left
}

// PID is the number of the program, as it is seen here: also where it has PIDs of its own, where it
// has another for itself. After Done another process may have it.
func (p *Process) PID() int {
	if p.space != nil {
		return p.space.program
	}
	return p.id.pid
}

// Started is when it was forked.
func (p *Process) Started() time.Time { return p.started }

// Held says how each bound of the Spec is kept.
func (p *Process) Held() []Held { return slices.Clone(p.held) }

// OutOfMemory reports whether the kernel has killed a part of the tree because it used more than
// Bounds.Memory.
func (p *Process) OutOfMemory() bool { return p.group.outOfMemory() }

// Charged is what the kernel counts of the tree against Bounds.Memory, in bytes, less the cache of files, which it
// takes back before it ends anything. It is false where the kernel does not keep that bound.
func (p *Process) Charged() (bytes uint64, ok bool) { return p.group.charged() }

// Done is closed when the program has ended and its status was collected. Descendants may still
// run; see Tree.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit is how the program ended; it is valid after Done.
func (p *Process) Exit() Exit {
	p.spawner.mu.Lock()
	defer p.spawner.mu.Unlock()
	return p.exit
}

// Terminate sends the signal to the process group, then SIGCONT, without which a stopped process
// would not notice. After the direct child has ended the rest of its group gets both. The error is
// ESRCH when nobody is left.
func (p *Process) Terminate(sig syscall.Signal) error {
	if err := p.signalGroup(sig); err != nil {
		return fmt.Errorf("send %s to process %d: %w", sig, p.id.pid, err)
	}
	if err := p.signalGroup(syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to process %d: %w", syscall.SIGCONT, p.id.pid, err)
	}
	return nil
}

// TerminateRest sends the signal, then SIGCONT, to those members of the tree that are not in the
// process group and so did not get it by Terminate. It is for after the direct child has ended:
// nobody is left then who could pass the signal on to them.
func (p *Process) TerminateRest(sig syscall.Signal) {
	members, err := p.members()
	if err != nil {
		return // Kill is what they get
	}
	for _, m := range members {
		if m.pgrp != p.PID() && signalProc(m, sig) == nil {
			_ = signalProc(m, syscall.SIGCONT) // it has ended otherwise
		}
	}
}

// signalGroup never reaches a group that took the number later: the number is ours as long as the
// leader was not waited for, and waiting needs the same lock. An init passes the signal on.
func (p *Process) signalGroup(sig syscall.Signal) error {
	p.spawner.mu.Lock()
	if !p.reaped {
		defer p.spawner.mu.Unlock()
		if p.space != nil {
			return syscall.Kill(p.id.pid, sig)
		}
		return syscall.Kill(-p.id.pid, sig)
	}
	p.spawner.mu.Unlock()
	members, err := p.members()
	if err != nil {
		return err
	}
	err = syscall.ESRCH
	for _, m := range members {
		if m.pgrp == p.id.pid && signalProc(m, sig) == nil {
			err = nil
		}
	}
	return err
}

// Tree returns the pids of the live members: the process, its descendants, and those that escaped
// by setsid or double fork. Zombies are left out. What it returns may be a tenth of a second old, so
// that asking every process of many costs one look at the process table, not many.
func (p *Process) Tree() []int {
	after := p.started
	if p.isReaped() {
		after = p.Exit().At
	}
	t, err := p.spawner.tables.recent(treeAge, after)
	if err != nil {
		return nil // without /proc there is no Spawner
	}
	var pids []int
	for _, m := range p.membersIn(t) {
		pids = append(pids, m.pid)
	}
	return pids
}

// Zombies counts the processes that have ended and that their parents, which are members of the tree,
// have not waited for. It may be as old as Tree.
func (p *Process) Zombies() int {
	t, err := p.spawner.tables.recent(treeAge, p.started)
	if err != nil {
		return 0
	}
	n := 0
	for _, m := range p.membersIn(t) {
		for _, child := range t.children[m.pid] {
			if t.procs[child].gone() {
				n++
			}
		}
	}
	return n
}

// treeAge is how old the answer of Tree may be.
const treeAge = 100 * time.Millisecond

func (p *Process) isReaped() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// members looks the tree up anew.
func (p *Process) members() ([]proc, error) {
	p.treeMu.Lock()
	empty := p.empty
	p.treeMu.Unlock()
	if empty {
		return nil, nil
	}
	t, err := p.spawner.tables.read()
	if err != nil {
		return nil, err
	}
	return p.membersIn(t), nil
}

// membersIn finds the tree in a table.
func (p *Process) membersIn(t *table) []proc {
	p.treeMu.Lock()
	defer p.treeMu.Unlock()
	if p.empty {
		return nil
	}
	for _, pid := range p.group.pids() { // also those that nothing else leads to
		if m, ok := t.procs[pid]; ok {
			p.root.known[identity{m.pid, m.start}] = struct{}{}
		}
	}
	members := p.root.members(t, p.spawner.view(p))
	p.spawner.guardian.note(p, members)
	return p.withoutInit(members)
}

// release marks the tree as empty for good.
func (p *Process) release() {
	p.treeMu.Lock()
	first := !p.empty
	p.empty = true
	p.treeMu.Unlock()
	if first {
		p.group.remove()
	}
	p.spawner.forget(p)
}

// endedLocked takes the status of the direct child. spawner.mu is held.
func (p *Process) endedLocked(status syscall.WaitStatus) {
	p.reaped = true
	if p.pidfd >= 0 {
		_ = unix.Close(p.pidfd) // nothing depends on it any more
		p.pidfd = -1
	}
	if p.space != nil {
		p.space.status = status
		close(p.space.gone)
		return
	}
	p.exit = exitOf(status, time.Now())
	close(p.done)
}

// LetGo leaves the process and its tree to themselves: neither Close nor the guardian ends them any
// more; Kill does. It is for what was started to outlive drover.
func (p *Process) LetGo() {
	p.spawner.mu.Lock()
	p.spawner.free[p.id.pid] = struct{}{}
	p.spawner.mu.Unlock()
	p.spawner.forget(p)
}

func devNull() (*os.File, error) { return os.OpenFile(os.DevNull, os.O_RDWR, 0) }
