package admin

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// checkPeer refuses a socket's other end unless it runs as the same user, or as root.
func checkPeer(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("find out who is at the admin socket: %w", err)
	}
	var cred *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return fmt.Errorf("find out who is at the admin socket: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("find out who is at the admin socket: %w", failed)
	}
	return allowUser(int(cred.Uid), os.Geteuid())
}
