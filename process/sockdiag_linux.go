package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Of linux/inet_diag.h, linux/unix_diag.h and the kernel's list of TCP states.
const (
	stateListen     = 10
	attrV6Only      = 11 // INET_DIAG_SKV6ONLY
	attrUnixName    = 0  // UNIX_DIAG_NAME
	attrUnixVFS     = 1  // UNIX_DIAG_VFS
	showNameAndVFS  = 1 | 2
	inetRequestSize = 56
	inetMessageSize = 72
	unixRequestSize = 24
	unixMessageSize = 16
)

// diagTCP asks the kernel for the sockets that listen on the port, 0 for any. It takes some tens of
// microseconds, where /proc/net/tcp walks all connections.
func diagTCP(port uint16) ([]listener, error) {
	var found []listener
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		request := make([]byte, inetRequestSize)
		request[0], request[1] = family, unix.IPPROTO_TCP
		binary.NativeEndian.PutUint32(request[4:], 1<<stateListen)
		binary.BigEndian.PutUint16(request[8:], port)
		err := diag(request, func(b []byte) {
			if l, ok := parseInet(b); ok && (port == 0 || l.address.Port() == port) {
				found = append(found, l)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func parseInet(b []byte) (listener, bool) {
	if len(b) < inetMessageSize {
		return listener{}, false
	}
	address := b[8:24]
	var ip netip.Addr
	switch b[0] {
	case unix.AF_INET:
		ip = netip.AddrFrom4([4]byte(address))
	case unix.AF_INET6:
		ip = netip.AddrFrom16([16]byte(address))
	default:
		return listener{}, false
	}
	l := listener{
		address: netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[4:])),
		inode:   uint64(binary.NativeEndian.Uint32(b[68:])),
	}
	eachAttr(b[inetMessageSize:], func(kind uint16, value []byte) {
		if kind == attrV6Only && len(value) > 0 {
			l.v6only = value[0] != 0
		}
	})
	return l, true
}

// diagUnix asks the kernel for all listening Unix sockets.
func diagUnix() ([]listener, error) {
	var found []listener
	request := make([]byte, unixRequestSize)
	request[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(request[4:], 1<<stateListen)
	binary.NativeEndian.PutUint32(request[12:], showNameAndVFS)
	err := diag(request, func(b []byte) {
		if len(b) < unixMessageSize || b[0] != unix.AF_UNIX {
			return
		}
		l := listener{inode: uint64(binary.NativeEndian.Uint32(b[4:]))}
		eachAttr(b[unixMessageSize:], func(kind uint16, value []byte) {
			switch {
			case kind == attrUnixName:
				l.path = strings.TrimRight(string(value), "\x00")
			case kind == attrUnixVFS && len(value) >= 8:
				l.file = fileID{
					inode: uint64(binary.NativeEndian.Uint32(value)),
					dev:   kernelDev(binary.NativeEndian.Uint32(value[4:])),
				}
			}
		})
		found = append(found, l)
	})
	return found, err
}

// kernelDev turns the kernel's number of a device into the one of stat(2).
func kernelDev(dev uint32) uint64 { return unix.Mkdev(dev>>20, dev&(1<<20-1)) }

// diag sends a request of sock_diag and calls f with the body of each answer.
func diag(request []byte, f func([]byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("ask for listening sockets: %w", err)
	}
	defer unix.Close(fd)
	message := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(request))
	binary.NativeEndian.PutUint32(message, uint32(unix.SizeofNlMsghdr+len(request)))
	binary.NativeEndian.PutUint16(message[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	message = append(message, request...)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("ask for listening sockets: %w", err)
	}
	buffer := make([]byte, 16<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("ask for listening sockets: %w", err)
		}
		done, err := eachAnswer(buffer[:n], f)
		if done || err != nil {
			return err
		}
	}
}

func eachAnswer(b []byte, f func([]byte)) (done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return false, fmt.Errorf("ask for listening sockets: %w", err)
	}
	for _, m := range messages {
		switch m.Header.Type {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			errno := syscall.EIO
			if len(m.Data) >= 4 {
				errno = syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
			}
			return true, fmt.Errorf("ask for listening sockets: %w", errno)
		default:
			f(m.Data)
		}
	}
	return false, nil
}

// eachAttr walks netlink attributes: length, kind, value, padded to four bytes.
func eachAttr(b []byte, f func(kind uint16, value []byte)) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:]), b[4:size])
		b = b[min((size+3)&^3, len(b)):]
	}
}
