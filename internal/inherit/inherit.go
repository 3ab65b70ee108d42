// Package inherit makes descriptors for another process: of listeners, and of the
// sockets over which the two talk.
package inherit

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// File returns a descriptor of a listener, which the caller closes. Unlike the
// listener's own File, asking it for its number does not make the socket
// blocking for everybody who has it, and accepting could not be ended any more.
func File(l net.Listener) (*os.File, error) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%s has no descriptor", l.Addr())
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var copied int
	var failed error
	if err := raw.Control(func(fd uintptr) { copied, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, os.NewSyscallError("fcntl", failed)
	}
	return os.NewFile(uintptr(copied), l.Addr().String()), nil
}
