package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/drover-proxy/drover/internal/inherit"
)

var errClosed = errors.New("drover is stopping; no program is started any more")

// startLimit bounds the time until execve: a folder on a dead network file system would block for ever.
const startLimit = 30 * time.Second

// Start starts a program and returns after execve succeeded; otherwise the error is a *StartError,
// which names what is wrong and what to do, and nothing was started.
func (s *Spawner) Start(spec Spec) (*Process, error) {
	path, err := spec.resolve()
	if err != nil {
		return nil, err
	}
	p, err := s.start(spec, path)
	refused, ok := errors.AsType[*spaceError](err)
	if !ok {
		return p, err
	}
	spec.Bounds.PrivatePIDs = false
	if p, err = s.start(spec, path); err == nil {
		p.held = append(p.held, Held{Bound: BoundPIDs, Level: LevelNone, Why: refused.Error()})
	}
	return p, err
}

// start starts a program. The error is a *spaceError when it cannot have PIDs of its own.
func (s *Spawner) start(spec Spec, path string) (*Process, error) {
	ours, theirs, err := channel()
	if err != nil {
		return nil, forkError(path, err)
	}
	defer ours.Close()
	h, group, held := s.hold(spec, path)
	p, err := s.forkShim(spec, theirs, group)
	_ = theirs.Close() // the shim has its own
	if err != nil {
		group.remove()
		if spec.Bounds.PrivatePIDs && refusesSpace(err) {
			return nil, &spaceError{errnoOf(err)}
		}
		if errnoOf(err) == syscall.EPERM && spec.Bounds.PrivateNetwork {
			return nil, boundError(path, "privateNetwork", syscall.EPERM)
		}
		return nil, forkError(path, err)
	}
	p.held = held
	if err := s.instruct(ours, p, spec, path, h); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// forkShim forks the child that will become the program. It waits for its order.
func (s *Spawner) forkShim(spec Spec, control *os.File, group *cgroup) (*Process, error) {
	p := &Process{spawner: s, done: make(chan struct{}), pidfd: -1, group: group, private: spec.Bounds.PrivateNetwork}
	files := []uintptr{s.orNull(spec.Stdin), s.orNull(spec.Stdout), s.orNull(spec.Stderr)}
	for _, f := range spec.Files {
		files = append(files, f.Fd())
	}
	files = append(files, control.Fd())
	o := &forkOrder{
		name: shimName, arg: strconv.Itoa(len(files) - 1), files: files,
		// The shim lives for a millisecond: no collection, no further threads.
		env: []string{"GOGC=off", "GOMAXPROCS=1"},
		attr: syscall.SysProcAttr{
			// A session of its own rather than a group: Ctrl-C and hanging up reach drover only, a
			// terminal cannot stop the program for reading or writing as it would a background
			// group, and the number marks all descendants that do not leave it on purpose, also
			// those to which a shell with job control gave a group.
			Setsid:    true,
			Pdeathsig: syscall.SIGKILL,
			PidFD:     &p.pidfd,
		},
		started: func(pid int, at time.Time) { s.register(p, pid, at, markOf(spec)) },
	}
	if spec.Outlives {
		o.attr.Pdeathsig = 0
	}
	if p.private {
		o.attr.Cloneflags = syscall.CLONE_NEWNET
	}
	var err error
	if spec.Bounds.PrivatePIDs {
		err = s.forkInit(p, o)
	} else {
		err = s.forkOn(o)
	}
	runtime.KeepAlive(spec)
	runtime.KeepAlive(control)
	return p, err
}

// register makes a child known. s.mu is held.
func (s *Spawner) register(p *Process, pid int, at time.Time, m mark) {
	p.id.pid, p.started = pid, at
	if now, ok := readProc(pid); ok {
		p.id.start = now.start
	}
	p.mark, p.root = m, newRoot(p.id, m)
	s.unreaped[pid] = p
	s.live[p] = struct{}{}
	s.numbers[pid]++
	if p.space != nil {
		s.running.Add(1)
		go p.follow()
	}
	s.guardian.add(p) // before the shim gets its order, so that there is nothing the guardian misses
}

// instruct tells the shim what to run and waits until it does.
func (s *Spawner) instruct(control *os.File, p *Process, spec Spec, path string, h holding) error {
	o := order{parent: s.self, umask: s.umask, path: path, dir: spec.Dir, hold: h.encode(), argv: spec.Argv, env: spec.Env}
	if p.space != nil {
		o.parent = firstPID
	}
	message := o.encode()
	if len(message) > maxOrder {
		return spec.execFailed(path, syscall.E2BIG)
	}
	if err := control.SetDeadline(time.Now().Add(startLimit)); err != nil {
		return forkError(path, err)
	}
	_, err := control.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(message))), message...))
	if err != nil && !errors.Is(err, syscall.EPIPE) { // why it has closed its end is said in what follows
		return forkError(path, fmt.Errorf("the program did not take its order: %w", err))
	}
	answer, sender, err := readAnswer(control)
	if p.space != nil {
		p.space.program = sender
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &StartError{Op: "exec", Path: path, Err: err,
			remedy: fmt.Sprintf("it did not start within %s; is its folder on a file system that does not answer?", startLimit)}
	}
	ready := len(answer) > 0 && answer[0] == shimReady
	if ready {
		answer = answer[1:]
	}
	if len(answer) == 0 && ready {
		return nil
	}
	if len(answer) < 5 {
		return &StartError{Op: "fork", Path: path, Err: errors.Join(err, io.ErrUnexpectedEOF),
			remedy: "the new process ended before it could run the program; is memory or the number of processes limited?"}
	}
	errno := syscall.Errno(binary.LittleEndian.Uint32(answer[1:]))
	switch answer[0] {
	case shimChdir:
		return chdirError(spec.Dir, errno)
	case shimExec:
		return spec.execFailed(path, errno)
	case shimSpace:
		return &spaceError{errno}
	case shimBound:
		return boundError(path, string(answer[5:]), errno)
	}
	return forkError(path, fmt.Errorf("prepare the new process: %w", errno))
}

func (s *Spawner) orNull(f *os.File) uintptr {
	if f == nil {
		return s.null.Fd()
	}
	return f.Fd()
}

// channel returns the two ends of a socket to a new process, one of them for it.
func channel() (ours, theirs *os.File, err error) {
	ours, theirs, err = inherit.Pair("shim")
	if err != nil {
		return nil, nil, fmt.Errorf("make a channel to the new process: %w", err)
	}
	raw, err := ours.SyscallConn()
	if err != nil {
		return nil, nil, errors.Join(err, ours.Close(), theirs.Close())
	}
	var refused error
	err = raw.Control(func(fd uintptr) { // each word from the other end then carries which process it is from
		refused = os.NewSyscallError("setsockopt", syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1))
	})
	if err = errors.Join(err, refused); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make a channel to the new process: %w", err), ours.Close(), theirs.Close())
	}
	return ours, theirs, nil
}
