package supervisor

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// canBind reports whether a worker could listen on the port, on the loopback
// address as well as on all. It binds without listening, so nobody can connect.
func canBind(port int) bool {
	// A fork in between would let a worker inherit the bound socket.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()

	// One socket for both families sees listeners of either.
	err := bind(unix.AF_INET6, &unix.SockaddrInet6{Port: port})
	if err != nil && !errors.Is(err, unix.EADDRINUSE) { // no IPv6 here
		err = bind(unix.AF_INET, &unix.SockaddrInet4{Port: port})
	}
	return err == nil
}

func bind(family int, address unix.Sockaddr) error {
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }() // it was only bound
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return err
		}
	}
	return unix.Bind(fd, address)
}
