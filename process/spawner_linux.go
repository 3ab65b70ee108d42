package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Spawner starts programs and waits for them. All methods may be called concurrently.
type Spawner struct {
	self    int // own pid
	session int
	umask   int // what drover was started with, whatever it is at the moment
	adopts  bool
	null    *os.File

	owner    proc // this process
	groups   cgroups
	tables   tables
	guardian *guardian
	orders   chan *forkOrder
	children chan os.Signal // SIGCHLD
	exited   chan struct{}  // a token: look for trees that have become empty
	quit     chan struct{}
	running  sync.WaitGroup

	mu       sync.Mutex // also held while forking and while collecting statuses
	closed   bool
	unreaped map[int]*Process
	live     map[*Process]struct{} // those whose tree may have members
	numbers  map[int]int           // their pids, with how many have each
	free     map[int]struct{}      // pids of children that were let go
}

// occupied is true while a Spawner exists: the kernel keeps one queue of ended children for the
// whole program.
var occupied atomic.Bool

// New returns the Spawner of this program. There can be one at a time; it owns wait4(-1) where it
// is a subreaper or PID 1, and waits for its own children only elsewhere. It fails when Main was not
// called and where /proc is missing or belongs to another PID namespace.
func New(o Options) (*Spawner, error) {
	if !entered.Load() {
		return nil, errors.New("start processes: process.Main was not called first in main")
	}
	if !occupied.CompareAndSwap(false, true) {
		return nil, errors.New("start processes: there is a Spawner already; close it first")
	}
	s, err := newSpawner(o)
	if err != nil {
		occupied.Store(false)
		return nil, fmt.Errorf("start processes: %w", err)
	}
	return s, nil
}

func newSpawner(o Options) (*Spawner, error) {
	self := os.Getpid()
	if link, err := os.Readlink("/proc/self"); err != nil {
		return nil, fmt.Errorf("/proc is not readable, mount it: %w", err)
	} else if link != strconv.Itoa(self) {
		return nil, fmt.Errorf("/proc is that of another PID namespace (there this is process %s, here %d); "+
			"mount a fresh one, for example with unshare --mount-proc", link, self)
	}
	own, ok := readProc(self)
	if !ok {
		return nil, errors.New("/proc/self/stat is not readable")
	}
	null, err := devNull()
	if err != nil {
		return nil, err
	}
	s := &Spawner{
		self: self, owner: own, session: own.session, umask: startUmask(), null: null,
		orders: make(chan *forkOrder), children: make(chan os.Signal, 1),
		exited: make(chan struct{}, 1), quit: make(chan struct{}),
		unreaped: make(map[int]*Process), live: make(map[*Process]struct{}),
		numbers: make(map[int]int), free: make(map[int]struct{}),
	}
	s.adopts = self == 1
	if o.Subreaper && !s.adopts {
		if err := setSubreaper(true); err != nil {
			_ = null.Close()
			return nil, fmt.Errorf("become the reaper of orphans: %w", err)
		}
		s.adopts = true
	}
	s.guardian = newGuardian(s, o.Guardian)
	signal.Notify(s.children, syscall.SIGCHLD)
	s.running.Add(2)
	go s.fork()
	go s.sweep()
	if err := s.guardian.start(); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// Run starts a program and waits until it ends; when ctx ends first the tree is killed and the
// error is that of ctx. Nothing of the tree is left afterwards. It is for short helpers such as
// checks: Spec.ID is a name only, so that a check may be given a worker's id and environment
// without being taken for part of the worker or the other way round.
func (s *Spawner) Run(ctx context.Context, spec Spec) (Exit, error) {
	spec.ID = ""
	p, err := s.Start(spec)
	if err != nil {
		return Exit{}, err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.Kill()
	return p.Exit(), err
}

// Close kills what is left of all trees, ends the guardian and the goroutines. No program can be
// started after it. It waits a few seconds at most.
func (s *Spawner) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	live := make([]*Process, 0, len(s.live))
	for p := range s.live {
		live = append(live, p)
	}
	s.mu.Unlock()

	var killing sync.WaitGroup
	for _, p := range live {
		killing.Go(p.Kill)
	}
	killing.Wait()
	s.killStrays()
	s.guardian.stop()
	return s.end()
}

// end stops the goroutines and gives back what New took.
func (s *Spawner) end() error {
	close(s.quit)
	s.mu.Lock()
	for p := range s.live { // what nothing can end
		if p.space != nil {
			_ = p.space.life.SetReadDeadline(time.Now()) // closed: it waits no more
		}
	}
	s.mu.Unlock()
	s.running.Wait()
	signal.Stop(s.children)
	s.groups.close()
	err := s.null.Close()
	if s.adopts && s.self != 1 {
		err = errors.Join(err, setSubreaper(false))
	}
	occupied.Store(false)
	return err
}

// view is how p looks for its tree.
func (s *Spawner) view(p *Process) viewpoint {
	v := viewpoint{session: s.session, environ: readEnviron}
	if s.adopts {
		v.adopter = s.self
	}
	v.taken = func(number int) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		holders := s.numbers[number]
		if number == p.id.pid {
			holders--
		}
		return holders > 0
	}
	return v
}

// forget drops a process of which nothing is left.
func (s *Spawner) forget(p *Process) {
	s.mu.Lock()
	_, known := s.live[p]
	if known {
		delete(s.live, p)
		if s.numbers[p.id.pid]--; s.numbers[p.id.pid] == 0 {
			delete(s.numbers, p.id.pid)
		}
	}
	s.mu.Unlock()
	if known {
		s.guardian.remove(p)
	}
}

// startUmask reads the mask without changing it, not even for a moment as umask(2) would.
func startUmask() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "Umask:"); ok {
			if mask, err := strconv.ParseInt(strings.TrimSpace(value), 8, 32); err == nil {
				return int(mask)
			}
		}
	}
	return -1 // before Linux 4.7
}

func setSubreaper(on bool) error {
	var arg uintptr
	if on {
		arg = 1
	}
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, arg, 0, 0, 0)
}
