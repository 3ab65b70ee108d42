package ipc

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketPair returns the two connected ends of a worker's message channel.
// Ours never blocks (so the runtime can poll it); the worker's is left blocking,
// as a program that knows nothing of us expects of a descriptor it inherits.
func socketPair(id string) (ours, theirs *os.File, err error) {
	// Between socketpair and close-on-exec no process may be forked, or a
	// sibling would inherit the channel and keep it open.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make the message channel of %s: %w", id, err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1]) // the first error is the one to report
		return nil, nil, fmt.Errorf("make the message channel of %s: %w", id, err)
	}
	return os.NewFile(uintptr(fds[0]), "ipc "+id), os.NewFile(uintptr(fds[1]), "ipc child "+id), nil
}
