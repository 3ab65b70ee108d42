package ipc

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/nonblock"
)

// reader works through what one socket of a worker brings. It is not for
// concurrent use.
type reader struct {
	e  *Endpoint
	in *lines
	p  parser
	b  batch
}

// serve reads frames until the other end, or ours, is closed. over is the link
// that they come over, nil for the inherited channel.
func (e *Endpoint) serve(c conn, in *lines, over net.Conn) {
	r := reader{e: e, in: in}
	r.work()
	if raw, err := c.SyscallConn(); err == nil { // else it is closed already
		// All inside one Read: the runtime waits for the socket, and has nothing else to do with it.
		_ = raw.Read(func(fd uintptr) bool { return r.drain(int(fd)) }) // an error says that it was closed
	}
	r.b.flush()
	e.mu.Lock()
	current := e.link == over
	e.mu.Unlock()
	if current {
		e.leave()
	}
}

// drain works through what there is to read and reports whether that was the end.
// It reads until there is nothing: the end may have come together with the last
// bytes, and the kernel tells of it once (epoll(7), edge-triggered).
func (r *reader) drain(fd int) (ended bool) {
	for {
		space := r.in.space()
		n, err := nonblock.Read(fd, space)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return false
		case err != nil || n == 0:
			if line, tooLong, ok := r.in.last(); ok {
				r.e.read(&r.p, line, tooLong, &r.b)
			}
			return true
		}
		r.in.took(n)
		r.work()
	}
}

// work acts on the lines that are here, then writes what came of them.
func (r *reader) work() {
	for {
		line, tooLong, ok := r.in.next()
		if !ok {
			break
		}
		r.e.read(&r.p, line, tooLong, &r.b)
		if r.e.out.flooded() { // it sends and does not read what it gets back
			r.b.flush()
			r.e.out.waitEbb()
		}
	}
	r.b.flush()
}
