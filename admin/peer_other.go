//go:build !linux && !darwin

package admin

import (
	"errors"
	"net"
)

// checkPeer cannot find out who is at the other end on this system.
func checkPeer(*net.UnixConn) error {
	return errors.New("the admin socket needs Linux or macOS; use admin.address with a token")
}
