//go:build !linux || race

package exchange

import "golang.org/x/sys/unix"

// Elsewhere, and where the race detector follows what goes through a socket,
// the calls are made as usual.

// peek looks at the next byte without waiting.
func peek(fd int) (int, error) {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n, err
}

// writeNow writes what the socket takes of p.
func writeNow(fd int, p []byte) (int, error) { return unix.Write(fd, p) }

// readNow reads what there is into p.
func readNow(fd int, p []byte) (int, error) { return unix.Read(fd, p) }
