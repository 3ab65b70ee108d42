//go:build linux || darwin

package admin

import (
	"fmt"
	"net"
	"os"
)

// checkPeer refuses a socket's other end unless it runs as the same user, or as root.
func checkPeer(c *net.UnixConn) error {
	var uid int
	raw, err := c.SyscallConn()
	if err == nil {
		var failed error
		err = raw.Control(func(fd uintptr) { uid, failed = peerUser(int(fd)) })
		if err == nil {
			err = failed
		}
	}
	if err != nil {
		return fmt.Errorf("find out who is at the admin socket: %w", err)
	}
	return allowUser(uid, os.Geteuid())
}
