package admin

import (
	"fmt"
	"net"
	"os"

	"github.com/drover-proxy/drover/internal/peeruser"
)

// checkPeer refuses a socket's other end unless it runs as the same user, or as root.
func checkPeer(c *net.UnixConn) error {
	uid, err := peeruser.Of(c)
	if err != nil {
		return fmt.Errorf("find out who is at the admin socket: %w; where that cannot be, use admin.address with a token", err)
	}
	return allowUser(uid, os.Geteuid())
}

// allowUser decides whether a user may use the admin socket of a drover that runs as own.
func allowUser(uid, own int) error {
	if uid != own && uid != 0 {
		return fmt.Errorf("the admin socket is for user %d and root, you are user %d", own, uid)
	}
	return nil
}
