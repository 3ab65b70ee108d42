package process

import (
	"fmt"
	"net/netip"
)

// listener is a socket that accepts connections.
type listener struct {
	inode   uint64
	address netip.AddrPort // TCP
	v6only  bool
	path    string // Unix: the name it was bound to, which may be relative to an unknown folder
	file    fileID // Unix: what it was bound to; zero when not known
}

// fileID names a file independent of its path.
type fileID struct{ dev, inode uint64 }

func (l listener) String() string {
	if l.path != "" {
		return "unix:" + l.path
	}
	return l.address.String()
}

// accepts reports whether a connection to the target reaches this socket, or could, when another
// with the same port is more specific.
func (l listener) accepts(target netip.AddrPort) bool {
	if l.address.Port() != target.Port() {
		return false
	}
	own, ip := l.address.Addr(), target.Addr()
	switch {
	case own.Unmap() == ip.Unmap():
		return true
	case own.Is4():
		return own.IsUnspecified() && ip.Unmap().Is4()
	case own.IsUnspecified():
		return !ip.Unmap().Is4() || !l.v6only
	}
	return false
}

// parseTarget reads the address of a worker; a wildcard means that it is reached by loopback.
func parseTarget(address string) (netip.AddrPort, error) {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return target, fmt.Errorf("look who listens on %s: not an IP address and port: %w", address, err)
	}
	switch target.Addr() {
	case netip.IPv4Unspecified():
		target = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), target.Port())
	case netip.IPv6Unspecified():
		target = netip.AddrPortFrom(netip.IPv6Loopback(), target.Port())
	}
	return target, nil
}
