//go:build !linux

package exchange

import "golang.org/x/sys/unix"

// peek looks at the next byte without waiting.
func peek(fd int) (int, error) {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n, err
}
