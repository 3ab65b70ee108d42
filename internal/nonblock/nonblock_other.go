//go:build !linux || race

package nonblock

import "golang.org/x/sys/unix"

// Elsewhere, and where the race detector follows what goes through a socket,
// the calls are made as usual.

// Peek looks at the next byte without taking it; 0 without an error is the end.
func Peek(fd int) (int, error) {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return max(n, 0), err
}

// Write writes what the socket takes of p, which is not empty.
func Write(fd int, p []byte) (int, error) {
	n, err := unix.Write(fd, p)
	return max(n, 0), err
}

// Read reads what there is into p, which is not empty; 0 without an error is the end.
func Read(fd int, p []byte) (int, error) {
	n, err := unix.Read(fd, p)
	return max(n, 0), err
}
