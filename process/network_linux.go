package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// loopbackUp switches the loopback device of a new network namespace on, as programs expect it.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	device, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, device); err != nil {
		return err
	}
	device.SetUint16(device.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, device)
}

// listenersOn returns the sockets that a connection to the address can reach. A program in a network
// namespace of its own can be reached by a Unix socket only, which the kernel lists there.
func (p *Process) listenersOn(network, address string) ([]listener, error) {
	if !p.private {
		return listenersOn(network, address)
	}
	if network != "unix" {
		return nil, nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/unix", p.id.pid))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil // it has ended
		}
		return nil, fmt.Errorf("look who listens on %s: %w", address, err)
	}
	return slices.DeleteFunc(parseProcUnix(text), func(l listener) bool { return l.path != address }), nil
}
