package exchange

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// peek looks at the next byte without waiting. The call is made directly
// because unix.Recvfrom allocates an address, and raw because it never blocks:
// the scheduler need not know.
func peek(fd int) (int, error) {
	var b [1]byte
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), 1,
		unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
