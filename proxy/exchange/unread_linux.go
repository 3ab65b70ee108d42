package exchange

import "golang.org/x/sys/unix"

// unread reports whether it is certain that the upstream read nothing of the
// request that was just written to cn. That a write succeeded says nothing: it
// fills a buffer. But when the upstream had closed the connection before the
// request reached it, its kernel answers with a reset, which we see as EPIPE
// because the close came first, and it never acknowledged a byte of it. That is
// the race of a request with the close of an idle connection.
//
// A reset without that close may come from a process that read a part.
func unread(cn *conn) (certain bool) {
	_ = cn.raw.Control(func(fd uintptr) {
		if domain, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain == unix.AF_UNIX {
			return
		}
		fault, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil || unix.Errno(fault) != unix.EPIPE {
			return
		}
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		certain = info.Bytes_acked <= uint64(cn.written)+1 // the handshake counts as one
	})
	return certain
}
