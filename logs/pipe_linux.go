package logs

import "golang.org/x/sys/unix"

// cloexecPipe makes a pipe that no program started at the same moment inherits.
func cloexecPipe(fds []int) error { return unix.Pipe2(fds, unix.O_CLOEXEC) }
