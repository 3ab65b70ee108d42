package exchange

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// phase is what the next call of conn.trip does.
type phase uint8

const (
	looking   phase = iota // is the idle connection as we left it?
	opening                // is the new connection silent, as it must be?
	sending                // write the request
	receiving              // read, once there is something
)

var (
	// Of connections that cannot be used again: nothing was sent, another one
	// takes the request.
	errStale   = errors.New("idle connection closed by the upstream")
	errTalking = errors.New("upstream wrote on a connection on which it was asked nothing")
)

// conn is one connection to the upstream. It holds no buffers.
type conn struct {
	clock
	nc  net.Conn
	raw syscall.RawConn
	// step is trip, bound once so that handing it to raw allocates nothing.
	step func(fd uintptr) bool

	r     *Response // the exchange under way
	phase phase
	n     int   // what the last trip read
	err   error // or failed with

	since   time.Duration // idle since
	written int64         // bytes sent by earlier exchanges

	mu      sync.Mutex
	readBy  time.Duration // the read deadline that is set, 0 none
	writeBy time.Duration // the write deadline that is set, 0 none
	stopped bool          // no more writing in this exchange
}

func newConn(c clock, nc net.Conn) (*conn, error) {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	cn := &conn{clock: c, nc: nc, raw: raw}
	cn.step = cn.trip
	return cn, nil
}

// trip is a whole round trip inside one RawConn.Read: look, send, wait,
// receive. Sending belongs inside because of how the runtime waits. A wait
// begins by forgetting earlier readiness, and the poller reports each change
// once; a Read after the write must therefore try first, which is one failed
// system call each time. Here the forgetting is done when trip begins, so
// after the write it can go straight to waiting without missing the answer.
func (cn *conn) trip(fd uintptr) bool {
	switch cn.phase {
	case looking, opening:
		switch saw := look(int(fd)); {
		case saw == talking:
			cn.err = errTalking
			return true
		case saw == gone && cn.phase == looking: // of a new one, the write says more
			cn.err = errStale
			return true
		}
		fallthrough
	case sending:
		n, err := send(int(fd), cn.r.out)
		if err != nil {
			cn.err = err
			return true
		}
		cn.phase = receiving
		cn.r.headSent(n)
		return false
	default:
		n, err := receive(int(fd), cn.r.space())
		if err == unix.EAGAIN { //nolint:errorlint // bare, see socket.go
			return false
		}
		cn.n, cn.err = n, err
		return true
	}
}

// limitRead sees to it that reading is given up at some moment before or at
// by, which is called with the lock held and gives 0 for never. A deadline that
// is set and earlier stays: when it passes, the reader asks again. So while
// exchanges are shorter than their timeouts, hardly one in a thousand touches
// a timer.
func (cn *conn) limitRead(now time.Duration, by func() time.Duration) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.setReadLocked(now, by())
}

func (cn *conn) setReadLocked(now, by time.Duration) {
	passed := cn.readBy != 0 && cn.readBy <= now
	if !passed && (by == 0 || cn.readBy != 0 && cn.readBy <= by) {
		return
	}
	cn.readBy = by
	var t time.Time
	if by != 0 {
		t = cn.at(by)
	}
	_ = cn.nc.SetReadDeadline(t) // fails on a closed connection, as will the read
}

// limitWrite does the same for writing; false when it was stopped.
func (cn *conn) limitWrite(now, by time.Duration) bool {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.stopped {
		return false
	}
	passed := cn.writeBy != 0 && cn.writeBy <= now
	if !passed && (by == 0 || cn.writeBy != 0 && cn.writeBy <= by) {
		return true
	}
	cn.writeBy = by
	var t time.Time
	if by != 0 {
		t = cn.at(by)
	}
	_ = cn.nc.SetWriteDeadline(t)
	return true
}

// stopWriting ends a write that waits, and every later one of this exchange.
func (cn *conn) stopWriting() {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.stopped = true
	cn.writeBy = 1 // long ago
	_ = cn.nc.SetWriteDeadline(cn.at(1))
}

// free takes the deadlines off, for a connection that leaves.
func (cn *conn) free() {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.readBy, cn.writeBy = 0, 0
	_ = cn.nc.SetDeadline(time.Time{})
}

// abort ends what goes on at the connection, without waiting: a Close would
// wait for a splice that writes to a slow client.
func (cn *conn) abort() { cn.shutdown(unix.SHUT_RDWR) }

func (cn *conn) shutdown(how int) {
	_ = cn.raw.Control(func(fd uintptr) {
		_ = unix.Shutdown(int(fd), how) // fails when the upstream was first
	})
}

func (cn *conn) idleSince() time.Duration { return cn.since }

func (cn *conn) quiet() bool { return cn.look() == quiet }

func (cn *conn) look() sight {
	what := gone
	_ = cn.raw.Control(func(fd uintptr) { what = look(int(fd)) }) // fails when we closed it
	return what
}

func (cn *conn) close() { _ = cn.nc.Close() }
