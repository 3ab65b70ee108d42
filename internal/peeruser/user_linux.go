package peeruser

import "golang.org/x/sys/unix"

// userOf is unix(7) SO_PEERCRED: who has called listen or connect.
func userOf(fd int) (uid int, err error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
