package admin

import "golang.org/x/sys/unix"

// peerUser returns the user at a socket's other end, unix(7) SO_PEERCRED.
func peerUser(fd int) (uid int, err error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
