package proxy

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// What net sets on every connection it accepts.
const (
	keepAliveSeconds = 15
	keepAliveProbes  = 9
)

// listenConfig is for listeners whose accepted sockets are ready as they come:
// they inherit keep-alive from the listener, and are of plain TCP, because
// Multipath TCP costs each connection, used or not.
func listenConfig() net.ListenConfig {
	lc := net.ListenConfig{KeepAlive: -1, Control: keepAlive}
	lc.SetMultipathTCP(false)
	return lc
}

// keepAlive makes the kernel probe connections that are silent, so that clients
// which vanished are noticed. Set on the listening socket it holds for each
// accepted one, which spares four system calls per connection.
func keepAlive(network, _ string, raw syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var err error
	set := func(fd uintptr, level, option, value int) {
		if err == nil {
			err = unix.SetsockoptInt(int(fd), level, option, value)
		}
	}
	if failed := raw.Control(func(fd uintptr) {
		set(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		set(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds)
		set(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds)
		set(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes)
	}); failed != nil {
		return failed
	}
	return err
}
