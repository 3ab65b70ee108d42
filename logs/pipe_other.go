//go:build !linux

package logs

import "syscall"

// cloexecPipe makes a pipe that no program started at the same moment inherits.
func cloexecPipe(fds []int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(fds); err != nil {
		return err
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return nil
}
