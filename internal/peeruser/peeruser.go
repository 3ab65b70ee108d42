// Package peeruser finds out who is at the other end of a Unix socket.
package peeruser

import (
	"fmt"
	"net"
)

// Of returns the user that the other end runs as, or did when it began to
// listen or connected.
func Of(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { uid, failed = userOf(int(fd)) }); err != nil {
		return 0, err
	}
	return uid, failed
}

// Is returns a check of connections: those over a Unix socket must lead to a
// user. Whoever owns the folder of a socket can put a link in its place, which
// leads root to where that user may not go.
func Is(uid int) func(net.Conn) error {
	return func(nc net.Conn) error {
		c, ok := nc.(*net.UnixConn)
		if !ok {
			return nil
		}
		switch got, err := Of(c); {
		case err != nil:
			return fmt.Errorf("find out who listens on %s: %w", c.RemoteAddr(), err)
		case got != uid:
			return fmt.Errorf("user %d listens on %s, and not user %d", got, c.RemoteAddr(), uid)
		}
		return nil
	}
}

// Checked is for what a dial returned: a connection that check refuses is
// closed. A check that is nil refuses none.
func Checked(nc net.Conn, err error, check func(net.Conn) error) (net.Conn, error) {
	if err != nil || check == nil {
		return nc, err
	}
	if err := check(nc); err != nil {
		_ = nc.Close() // nothing was sent
		return nil, err
	}
	return nc, nil
}
