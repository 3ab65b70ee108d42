package inherit

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pair returns the two ends of a stream socket, which no process inherits that is
// not given one. Ours never blocks, so that the runtime can poll it; theirs is
// left blocking, as a program expects of a descriptor it inherits. Both are named
// after what they serve. Safe for concurrent use. See socketpair(2).
func Pair(name string) (ours, theirs *os.File, err error) {
	// Between socketpair and close-on-exec no process may be forked, or a
	// sibling would inherit the socket and keep it open.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1]) // the first error is the one to report
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name+" of the other"), nil
}
