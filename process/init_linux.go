package process

import (
	"encoding/binary"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
)

// firstPID is the number of the first process of a PID namespace. When it ends, the kernel kills
// all others in there.
const firstPID = 1

// initMain is the first process of a PID namespace that a program has for itself. It runs the shim
// as its child, passes signals on to the program's group, waits for all that become its children,
// and tells drover how the program ended. It stays until nobody is left, so that those whom a
// wrapper leaves behind get their time to end, or until drover kills it or ends itself.
//
// It keeps drover's user and stands outside of the program's limits, control group and sandbox, so
// that none of these takes from it what it needs, and a program of another user cannot signal it.
func initMain(arg string) {
	// The kernel sends the signal for the parent's death when the thread that forked ends.
	runtime.LockOSThread()
	control, err := strconv.Atoi(arg)
	if err != nil || control < 3 {
		syscall.Exit(127)
	}
	// The first process of a namespace gets no signal that it has no handler for.
	signals := make(chan os.Signal, 256)
	signal.Notify(signals)
	signal.Reset(syscall.SIGCHLD, syscall.SIGURG) // ours; Go wakes its own threads by SIGURG
	life := control + 1
	if err := closeOnExecFrom(control); err != nil {
		fail(control, shimBroken, err)
	}
	if err := ownProc(); err != nil {
		fail(control, shimSpace, err)
	}
	_ = os.WriteFile("/proc/self/comm", []byte(initName), 0) // for who looks at a list of processes
	program, err := syscall.ForkExec("/proc/self/exe", []string{shimName, arg}, &syscall.ProcAttr{
		Env: os.Environ(), Files: upTo(control), Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fail(control, shimBroken, err)
	}
	forgetFiles(control)
	go passOn(signals, program)
	go endWithDrover(life)
	debug.FreeOSMemory() // what the initialisation of drover's packages has left
	reapAll(program, life)
}

// fail reports to drover as the shim does, and ends.
func fail(control int, step byte, err error) {
	_, _ = syscall.Write(control, binary.LittleEndian.AppendUint32([]byte{step}, uint32(errnoOf(err)))) // drover is gone when this fails
	syscall.Exit(127)
}

func upTo(last int) []uintptr {
	files := make([]uintptr, last+1)
	for fd := range files {
		files[fd] = uintptr(fd)
	}
	return files
}

// forgetFiles closes what the program was given, so that its end is that of its pipes and sockets.
func forgetFiles(last int) {
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	for fd := range last + 1 {
		if fd > 2 || err != nil || syscall.Dup3(null, fd, 0) != nil {
			_ = syscall.Close(fd) // nothing is lost
		}
	}
	_ = syscall.Close(null)
}

// passOn gives signals to the program's group.
func passOn(signals <-chan os.Signal, program int) {
	for sig := range signals {
		_ = syscall.Kill(-program, sig.(syscall.Signal)) // ESRCH: it has ended
	}
}

// endWithDrover returns never: the socket says nothing and closes with drover.
func endWithDrover(life int) {
	_ = readFull(life, make([]byte, 1)) // whatever it is, drover is gone
	syscall.Exit(0)
}

// reapAll waits for all children, tells how the program ended and ends when nobody is left.
func reapAll(program, life int) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			syscall.Exit(0)
		case pid == program:
			_, _ = syscall.Write(life, binary.LittleEndian.AppendUint32(nil, uint32(status))) // drover is gone when this fails
		}
	}
}
