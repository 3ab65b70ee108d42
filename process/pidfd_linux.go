package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalProc sends a signal to the process that was seen with this pid and start time, and to no
// other that took the number since.
func signalProc(p proc, sig syscall.Signal) error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err == nil {
		defer unix.Close(fd)
		// What the descriptor refers to cannot change any more; if it is not the process that was
		// seen, that one is gone.
		if now, ok := readProc(p.pid); !ok || now.start != p.start {
			return syscall.ESRCH
		}
		return unix.PidfdSendSignal(fd, sig, nil, 0)
	}
	if errors.Is(err, syscall.ESRCH) {
		return err
	}
	// Before Linux 5.3, or a sandbox without pidfds. A moment between look and signal remains.
	if now, ok := readProc(p.pid); !ok || now.start != p.start {
		return syscall.ESRCH
	}
	return syscall.Kill(p.pid, sig)
}
