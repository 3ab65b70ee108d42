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
	var cred *unix.Xucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	}); err != nil {
		return fmt.Errorf("find out who is at the admin socket: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("find out who is at the admin socket: %w", failed)
	}
	return allowUser(int(cred.Uid), os.Geteuid())
}
