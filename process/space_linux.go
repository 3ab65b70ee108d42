package process

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// space is the PID namespace of one program. Its first process, the init (see initMain), is
// drover's child; the program is the init's.
type space struct {
	program int      // its number, as it is seen outside
	life    *os.File // drover's end of a socket: the init tells how the program ended, and ends when it is closed
	gone    chan struct{}
	status  syscall.WaitStatus // of the init; valid when gone is closed
}

// forkInit forks the init of a program that has PIDs of its own.
func (s *Spawner) forkInit(p *Process, o *forkOrder) error {
	ours, theirs, err := channel()
	if err != nil {
		return err
	}
	defer theirs.Close()
	p.space = &space{life: ours, gone: make(chan struct{})}
	o.name, o.files = initName, append(o.files, theirs.Fd())
	o.attr.Cloneflags |= syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
	if err := s.forkOn(o); err != nil {
		return errors.Join(err, ours.Close())
	}
	return nil
}

// readAnswer reads what a shim says until it closes the socket, and which process the last word was from.
func readAnswer(control *os.File) (answer []byte, sender int, err error) {
	raw, err := control.SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	words, rights := make([]byte, 512), make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	for {
		var n, more int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, more, _, _, failed = unix.Recvmsg(int(fd), words, rights, unix.MSG_CMSG_CLOEXEC)
			return !errors.Is(failed, unix.EAGAIN) // never interrupted: it does not wait
		})
		if err = cmp.Or(err, failed); err != nil || n == 0 {
			return answer, sender, err
		}
		answer = append(answer, words[:n]...)
		if pid, ok := senderOf(rights[:more]); ok {
			sender = pid
		}
	}
}

// senderOf reads SCM_CREDENTIALS.
func senderOf(rights []byte) (pid int, ok bool) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return 0, false
	}
	credentials, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		return 0, false
	}
	return int(credentials.Pid), true
}

// follow waits for the end of the program, then for that of its init.
func (p *Process) follow() {
	defer p.spawner.running.Done()
	var word [4]byte
	_, err := io.ReadFull(p.space.life, word[:])
	if err == nil {
		p.finish(syscall.WaitStatus(binary.LittleEndian.Uint32(word[:])))
	}
	select {
	case <-p.space.gone:
		if err != nil { // killed together with its init
			p.finish(p.space.status)
		}
	case <-p.spawner.quit:
	}
	_ = p.space.life.Close() // there is nothing to lose
}

// finish notes how the program ended.
func (p *Process) finish(status syscall.WaitStatus) {
	p.spawner.mu.Lock()
	defer p.spawner.mu.Unlock()
	p.exit = exitOf(status, time.Now())
	close(p.done)
}

// killSpace ends the init, and the kernel all that is in its namespace before the init is gone.
func (p *Process) killSpace() {
	p.spawner.mu.Lock()
	if !p.reaped {
		_ = syscall.Kill(p.id.pid, syscall.SIGKILL) // a child that was not waited for can be signalled
	}
	p.spawner.mu.Unlock()
	timer := time.NewTimer(killLimit)
	defer timer.Stop()
	for _, ended := range []<-chan struct{}{p.space.gone, p.done} {
		select {
		case <-ended:
		case <-timer.C:
			return
		}
	}
	p.release()
}

// withoutInit leaves out what is drover's of the tree.
func (p *Process) withoutInit(members []proc) []proc {
	if p.space == nil {
		return members
	}
	return slices.DeleteFunc(members, func(m proc) bool { return m.pid == p.id.pid })
}

// spaceError says that a program cannot have a PID namespace here.
type spaceError struct{ errno syscall.Errno }

func (e *spaceError) Error() string {
	switch e.errno {
	case syscall.EPERM, syscall.EACCES:
		return fmt.Sprintf("drover may not make PID namespaces and mount their /proc (%v); let it run as root with CAP_SYS_ADMIN", e.errno)
	case syscall.ENOSPC:
		return "the system allows no more PID namespaces; raise user.max_pid_namespaces (sysctl)"
	}
	return fmt.Sprintf("the system has no PID namespaces, or cannot mount their /proc (%v)", e.errno)
}

// refusesSpace reports whether a fork failed for its PID namespace.
func refusesSpace(err error) bool {
	return slices.ContainsFunc([]error{syscall.EPERM, syscall.EINVAL, syscall.ENOSPC, syscall.ENOSYS},
		func(errno error) bool { return errors.Is(err, errno) })
}
