package process

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shimMain is the program between fork and the target. It runs for a moment in a process that has
// the target's descriptors, session and pid already, and either becomes the target or ends.
func shimMain(arg string) {
	// The signal mask that execve passes on is that of this thread.
	runtime.LockOSThread()
	control, err := strconv.Atoi(arg)
	if err != nil || control < 3 {
		syscall.Exit(127)
	}
	step, errno, what := shim(control)
	report := append(binary.LittleEndian.AppendUint32([]byte{step}, uint32(errno)), what...)
	_, _ = syscall.Write(control, report) // drover is gone when this fails
	syscall.Exit(127)
}

// shim returns only when it failed: at which step, and why.
func shim(control int) (step byte, errno syscall.Errno, what string) {
	// Descriptors from the control socket on, also those that drover itself was given without
	// close-on-exec, are not the target's.
	if err := closeOnExecFrom(control); err != nil {
		return shimBroken, errnoOf(err), ""
	}
	message, err := readOrder(control)
	if err != nil {
		return shimBroken, errnoOf(err), ""
	}
	o, err := decodeOrder(message)
	if err != nil {
		return shimBroken, syscall.EBADMSG, ""
	}
	var h holding
	if err := json.Unmarshal([]byte(o.hold), &h); err != nil {
		return shimBroken, syscall.EBADMSG, ""
	}
	if o.umask >= 0 {
		syscall.Umask(o.umask)
	}
	if what, err := h.begin(); err != nil {
		return shimBound, errnoOf(err), what
	}
	if what, err := h.become(); err != nil {
		return shimBound, errnoOf(err), what
	}
	// After another user's account was taken, when the kernel watches over the parent for good. An
	// init cannot be gone, since nobody outlives it.
	if os.Getppid() != o.parent {
		return shimOrphan, syscall.ESRCH, ""
	}
	if o.dir != "" {
		if err := syscall.Chdir(o.dir); err != nil {
			return shimChdir, errnoOf(err), ""
		}
	}
	resetSignals()
	if _, err := syscall.Write(control, []byte{shimReady}); err != nil {
		return shimOrphan, errnoOf(err), ""
	}
	if errno := h.enter(); errno != 0 {
		return shimBound, errno, "its control group"
	}
	// syscall.Exec also restores the limit of open files that the Go runtime has raised.
	for range 20 {
		if err = syscall.Exec(o.path, o.argv, o.env); errnoOf(err) != syscall.ETXTBSY {
			break
		}
		time.Sleep(10 * time.Millisecond) // being copied, or still open in a child that forked a moment ago
	}
	return shimExec, errnoOf(err), ""
}

func readOrder(control int) ([]byte, error) {
	var size [4]byte
	if err := readFull(control, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > maxOrder {
		return nil, syscall.EMSGSIZE
	}
	message := make([]byte, n)
	return message, readFull(control, message)
}

func readFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Read(fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case n == 0:
			return syscall.EPIPE // drover ended
		default:
			b = b[n:]
		}
	}
	return nil
}

// closeOnExecFrom marks the descriptors from first on.
func closeOnExecFrom(first int) error {
	err := unix.CloseRange(uint(first), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	// Before Linux 5.11, or forbidden by a filter.
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd >= first {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// resetSignals gives the target the signals of a fresh login: nothing ignored, nothing blocked.
// execve itself resets only what has a handler, and what drover's parent ignored (nohup) or blocked
// would reach the workers.
func resetSignals() {
	var action [4]uintptr // struct sigaction of the kernel; zero is SIG_DFL, no flags, no mask
	const last = 64
	for sig := uintptr(1); sig <= last; sig++ {
		// SIGKILL and SIGSTOP answer EINVAL.
		_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
	var none uint64
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&none)), 0, 8, 0, 0)
}
