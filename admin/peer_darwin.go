package admin

import "golang.org/x/sys/unix"

// peerUser returns the user at a socket's other end, getpeereid(3).
func peerUser(fd int) (uid int, err error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
