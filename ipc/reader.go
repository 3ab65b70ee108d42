package ipc

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/nonblock"
)

// reader reads a socket past the scheduler, which has nothing to arrange for a
// call that does not wait. (To be told of it wakes its watchdog whenever nothing
// else is going on: two more switches of threads for each message.)
type reader struct {
	raw  syscall.RawConn
	p    []byte
	n    int
	err  error
	step func(fd uintptr) bool // try, bound once
}

func newReader(c conn) io.Reader {
	raw, err := c.SyscallConn()
	if err != nil {
		return failed{err}
	}
	r := &reader{raw: raw}
	r.step = r.try
	return r
}

// Read waits until there is something.
func (r *reader) Read(p []byte) (int, error) {
	r.p = p
	if err := r.raw.Read(r.step); err != nil {
		return 0, err
	}
	switch {
	case r.err != nil:
		return 0, os.NewSyscallError("recv", r.err)
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

func (r *reader) try(fd uintptr) bool {
	for {
		r.n, r.err = nonblock.Read(int(fd), r.p)
		if !errors.Is(r.err, unix.EINTR) {
			return !errors.Is(r.err, unix.EAGAIN)
		}
	}
}

// failed is a reader of nothing.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
