package proxy

import (
	"fmt"
	"math"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// descriptors keeps some of the files that this process may have open for others
// than clients: without any, no worker can be started, no probe sent and no
// operator answered. The kernel gives the lowest number that is free, so the
// number of a new descriptor says how many are in use.
type descriptors struct {
	most      atomic.Int64 // that may be open
	clients   atomic.Int64 // a client's connection with this number or above is turned away
	upstreams atomic.Int64 // the same of one to an upstream; above, since clients that were let in need it
	told      atomic.Int64 // when it was last said that they are scarce, by the server's clock
}

const (
	leastSpared = 16  // descriptors for others than clients and upstreams
	mostSpared  = 256 // of the eighth of them that they get
	tellScarce  = time.Minute
)

// look learns how many files may be open, which others may change while drover runs.
func (d *descriptors) look() {
	most := int64(math.MaxInt32)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < math.MaxInt32 {
		most = int64(limit.Cur)
	}
	upstreams := most - min(max(most/8, leastSpared), mostSpared)
	d.most.Store(most)
	d.upstreams.Store(upstreams)
	d.clients.Store(upstreams - most/8)
}

// scarce tells whether a new descriptor is not to be kept, by one of the bounds.
func (d *descriptors) scarce(fd int, bound *atomic.Int64) bool {
	if int64(fd) < bound.Load() {
		return false
	}
	d.look()
	return int64(fd) >= bound.Load()
}

// errScarceFiles is the error of a connection that was given up to keep its descriptor for others.
var errScarceFiles = fmt.Errorf("drover has almost no files left that it may open: %w", syscall.EMFILE)

// checkFor returns what is asked about each new connection to an upstream: does
// it lead to whom it should, and does it leave enough files for others?
func (s *Server) checkFor(u *pool.Upstream) func(net.Conn) error {
	return func(nc net.Conn) error {
		if u.Verify != nil {
			if err := u.Verify(nc); err != nil {
				return err
			}
		}
		return s.spare(nc)
	}
}

// spare refuses a connection to an upstream where too few files are left.
func (s *Server) spare(nc net.Conn) error {
	scarce := false
	withDescriptor(nc, func(fd int) { scarce = s.files.scarce(fd, &s.files.upstreams) })
	if !scarce {
		return nil
	}
	s.tellScarceFiles()
	return errScarceFiles
}

// splices tells whether there is room for a pipe, which the kernel needs to move
// bytes from one connection to another. What a new descriptor's number would be is
// looked at just before, since others may have come after this connection. It is held against
// half of what clients may have: what is spliced takes three times as many files as what is
// copied, and a client that is served slowly is better off than one that is turned away.
func (s *Server) splices(src net.Conn) (room bool) {
	withDescriptor(src, func(fd int) {
		next, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(next) // it was only asked for its number
			room = int64(next) < s.files.clients.Load()/2
		}
	})
	return room
}

// withDescriptor calls do with the number of a connection's file; not at all where
// it has none, or is closed already.
func withDescriptor(nc net.Conn, do func(fd int)) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { do(int(fd)) }) // the only error is that it is closed
	}
}

// tellScarceFiles says that connections are turned away, once in a while.
func (s *Server) tellScarceFiles() {
	now := int64(time.Since(s.born))
	last := s.files.told.Load()
	if last != 0 && now-last < int64(tellScarce) || !s.files.told.CompareAndSwap(last, now) {
		return
	}
	text := fmt.Sprintf("drover may have %d files open and has almost none left, so it turns new connections away; allow it more (LimitNOFILE=, ulimit -n), or lower server.limits.connections and server.timeouts.keepAlive", s.files.most.Load())
	if s.o.Bus == nil {
		s.log.Error(text)
		return
	}
	s.o.Bus.Publish(event.Event{Kind: event.OpenFiles, Subject: "drover", Message: text})
}
