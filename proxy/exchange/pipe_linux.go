package exchange

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is what a pipe is asked to take. A process without privileges
	// may have 128 of this size before the kernel makes new ones tiny.
	pipeSize = 512 << 10
	// pipeLeast is under what a pipe costs more than copying.
	pipeLeast = 64 << 10
)

// Pipe is a pipe of the kernel. Bytes of a body go through it from one socket
// to another without being copied to the process. Between Fill and Empty it
// holds them, so a wait that ends early loses nothing. One goroutine uses it.
type Pipe struct {
	in, out int // what is written to, what is read from
	held    int // bytes in it

	most int64 // what the next call of take may move
	n    int   // what the last Fill or Empty moved
	err  error // or failed with
	// take and put are bound once, so that handing them to a socket allocates
	// nothing.
	take, put func(fd uintptr) bool
}

// Pipes lends pipes. The zero value is ready; it is safe for concurrent use.
type Pipes struct {
	// Scarce tells that a new descriptor is not to be kept; nil: all are.
	Scarce func(fd int) bool

	free sync.Pool
}

// Take returns an empty pipe, nil when there is none to be had: bodies are
// copied then.
func (s *Pipes) Take() *Pipe {
	if p, ok := s.free.Get().(*Pipe); ok {
		return p
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	p := &Pipe{out: fds[0], in: fds[1]}
	if s.Scarce != nil && s.Scarce(max(p.in, p.out)) {
		p.close()
		return nil
	}
	if size, err := unix.FcntlInt(uintptr(p.in), unix.F_SETPIPE_SZ, pipeSize); err != nil || size < pipeLeast {
		if size, err = unix.FcntlInt(uintptr(p.in), unix.F_GETPIPE_SZ, 0); err != nil || size < pipeLeast {
			p.close()
			return nil
		}
	}
	p.take, p.put = p.takeFrom, p.putTo
	runtime.SetFinalizer(p, (*Pipe).close) // the pool forgets what nobody took for a while
	return p
}

// Give takes a pipe back. One that still holds something is closed.
func (s *Pipes) Give(p *Pipe) {
	if p.held > 0 {
		runtime.SetFinalizer(p, nil)
		p.close()
		return
	}
	s.free.Put(p)
}

func (p *Pipe) close() {
	_ = unix.Close(p.in) // what is in it is not wanted
	_ = unix.Close(p.out)
}

// Fill moves up to most bytes from the socket to the pipe, which is empty, as soon
// as there are some; 0 without an error is the socket's end. It is ErrNoPipe where
// the kernel does not move from such a socket.
func (p *Pipe) Fill(raw syscall.RawConn, most int64) (int, error) {
	p.most, p.n, p.err = most, 0, nil
	err := raw.Read(p.take)
	if err == nil {
		err = p.err
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) {
		err = ErrNoPipe
	}
	return p.n, err
}

func (p *Pipe) takeFrom(fd uintptr) bool {
	var again bool
	p.n, again, p.err = splice(int(fd), p.in, int(min(p.most, pipeSize)))
	p.held += p.n
	return !again
}

// Empty moves what the pipe holds to the socket. With an error it tells how
// much went before; the rest stays.
func (p *Pipe) Empty(raw syscall.RawConn) (int, error) {
	p.n, p.err = 0, nil
	err := raw.Write(p.put)
	if err == nil {
		err = p.err
	}
	return p.n, err
}

// move is one attempt of Empty: how much went, and whether nothing is left or err
// speaks against going on.
func (p *Pipe) move(fd uintptr) (n int, done bool, err error) {
	before := p.held
	p.err = nil
	done = p.putTo(fd)
	return before - p.held, done, p.err
}

func (p *Pipe) putTo(fd uintptr) bool {
	for p.held > 0 {
		n, again, err := splice(p.out, int(fd), p.held)
		if again {
			return false
		}
		if err == nil && n == 0 {
			err = io.ErrNoProgress
		}
		if err != nil {
			p.err = err
			return true
		}
		p.n += n
		p.held -= n
	}
	return true
}

// splice moves what can be moved at once; again says that it is nothing yet.
func splice(from, to, most int) (n int, again bool, err error) {
	for {
		moved, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_NONBLOCK)
		switch {
		case err == nil:
			return int(moved), false, nil
		case err == unix.EAGAIN: //nolint:errorlint // bare, see socket.go
			return 0, true, nil
		case err != unix.EINTR: //nolint:errorlint // bare
			return 0, false, err
		}
	}
}
