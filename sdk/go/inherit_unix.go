//go:build unix

package drover

import (
	"net"
	"os"
	"strconv"
	"syscall"
)

// inherited returns the connection of the descriptor that drover passed on, or
// nil where the number names none. The descriptor itself is closed: what is
// returned is a copy that children do not inherit.
func inherited(number string) net.Conn {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 || !isStream(fd) {
		return nil
	}
	f := os.NewFile(uintptr(fd), "drover")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil
	}
	return conn
}

// isStream reports whether a descriptor is open and a Unix stream socket: a
// program between drover and this one may have closed it, and opened another file.
func isStream(fd int) bool {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return false
	}
	name, err := syscall.Getsockname(fd)
	_, unix := name.(*syscall.SockaddrUnix)
	return err == nil && unix
}
