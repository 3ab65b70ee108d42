package proxy

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/nonblock"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// What a connection is doing. Draining may close it while it is fresh or idle;
// the switch from those to busy is atomic, so that no request is lost half way.
const (
	connFresh   int32 = iota // accepted, nothing read yet
	connIdle                 // between two requests
	connBusy                 // with a request, or relaying
	connTunnel               // after an upgrade
	connClosing              // claimed by a drain, or served to its end
)

// conn is a client's connection. One goroutine serves it; what other
// goroutines may touch is said at the field.
type conn struct {
	socket   net.Conn        // what was accepted
	raw      syscall.RawConn // of socket; nil where it has no descriptor
	nc       net.Conn        // what is spoken to: socket, or what Options.Wrap made of it
	direct   bool            // nc is socket and has a descriptor
	listener *listener
	metric   *metrics.Connection
	index    int // place in the listener's set, under its lock

	from     netip.Addr // of socket
	peer     netip.Addr // of nc
	peerText []byte
	local    string

	state atomic.Int32  // any goroutine
	since atomic.Uint64 // any goroutine: sweeper's tick at which the request began to wait; 0: none
	left  atomic.Bool   // any goroutine: the client has gone
	cut   atomic.Bool   // any goroutine: drover ended the connection before its time
	// Any goroutine: what the client is being sent has no other end than the
	// connection's, and is not complete.
	unfinished atomic.Bool
	junction   atomic.Pointer[junction] // any goroutine: once there is one
	cancel     exchange.Cancel

	readBy  time.Time // the read deadline that is set; zero: none. Serving goroutine only
	writeBy time.Time
	lost    error // of a write: what was sent may be half of something, so nothing may follow

	inside  bool   // a RawConn.Read of raw, so that Read and write do not wait: see visit.attend
	fd      int    // valid while inside
	drained bool   // the last Read inside took all there was
	ahead   []byte // was read before, and is what Read gives first

	onRead func() error // called before each Read that may wait; arms its deadline
}

// Deadlines move by at least this much, so that a busy connection sets a timer
// once per second and not once per read.
const deadlineStep = time.Second

var (
	errWouldBlock = errors.New("nothing to read yet")
	longAgo       = time.Unix(1, 0) // a deadline that has passed
)

func newConn(socket net.Conn, l *listener) *conn {
	c := &conn{socket: socket, listener: l}
	if sc, ok := socket.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	c.speakTo(socket)
	c.from, c.direct = c.peer, c.raw != nil
	return c
}

// speakTo makes nc what requests are read from; it was made of the socket.
func (c *conn) speakTo(nc net.Conn) {
	c.nc, c.direct, c.local = nc, false, c.listener.hostText()
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.peer = a.AddrPort().Addr().Unmap().WithZone("")
		c.peerText = c.peer.AppendTo(c.peerText[:0])
	}
	if a, ok := nc.LocalAddr().(*net.TCPAddr); ok {
		c.local = a.String()
	}
}

// number is that of the socket's descriptor; 0 where it has none.
func (c *conn) number() (n int) {
	if c.raw != nil {
		_ = c.raw.Control(func(fd uintptr) { n = int(fd) }) // closed already: none
	}
	return n
}

// Read reads what the client sent. It is what the buffered reader calls.
func (c *conn) Read(p []byte) (int, error) {
	if c.inside {
		return c.readNow(p)
	}
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	if c.onRead != nil {
		if err := c.onRead(); err != nil {
			return 0, err
		}
	}
	return c.nc.Read(p)
}

func (c *conn) readNow(p []byte) (int, error) {
	for {
		n, err := nonblock.Read(c.fd, p)
		switch {
		case err == nil && n == 0:
			return 0, io.EOF
		case err == nil:
			// With less than was asked for there is nothing more, epoll(7).
			c.drained = n < len(p)
			return n, nil
		case err == unix.EAGAIN: //nolint:errorlint // bare
			return 0, errWouldBlock
		case err != unix.EINTR: //nolint:errorlint // bare
			return 0, c.fault("read", err)
		}
	}
}

// writeNow writes what the client takes of p at once.
func (c *conn) writeNow(p []byte) (int, error) {
	n, err := nonblock.Write(c.fd, p)
	if err == unix.EAGAIN || err == unix.EINTR { //nolint:errorlint // bare
		return 0, nil
	}
	if err != nil {
		err = c.fault("write", err)
	}
	return n, err
}

// fault is an error of a system call as net would give it.
func (c *conn) fault(call string, err error) error {
	return &net.OpError{Op: call, Net: c.listener.network, Err: os.NewSyscallError(call, err)}
}

// readWithin bounds the reads from now on by d, 0 is no bound. The deadline that
// is set may be later than that, by at most deadlineStep.
func (c *conn) readWithin(now time.Time, d time.Duration) error {
	return within(now, d, &c.readBy, c.nc.SetReadDeadline)
}

// writeWithin bounds the writes from now on by d.
func (c *conn) writeWithin(now time.Time, d time.Duration) error {
	return within(now, d, &c.writeBy, c.nc.SetWriteDeadline)
}

func within(now time.Time, d time.Duration, current *time.Time, set func(time.Time) error) error {
	if d <= 0 {
		if current.IsZero() {
			return nil
		}
		*current = time.Time{}
		return set(time.Time{})
	}
	by := now.Add(d)
	step := min(deadlineStep, d/4)
	if late := current.Sub(by); late >= 0 && late <= step {
		return nil
	}
	*current = by.Add(step)
	return set(*current)
}

// busy claims the connection for a request; false when a drain was faster.
func (c *conn) busy() bool {
	return c.state.CompareAndSwap(connFresh, connBusy) || c.state.CompareAndSwap(connIdle, connBusy)
}

// clientGone is called when the client was seen to have left.
func (c *conn) clientGone() {
	c.left.Store(true)
	c.cancel.Fire()
}

// gone reports whether the client was seen to have left.
func (c *conn) gone() bool { return c.left.Load() }

// ended reports whether drover ended the connection before its time.
func (c *conn) ended() bool { return c.cut.Load() }

// interrupt cancels what the connection is doing, from any goroutine. A request
// that was not answered yet is told so; a tunnel can be told nothing.
func (c *conn) interrupt() {
	c.cut.Store(true)
	c.cancel.Fire()
	if c.state.Load() == connTunnel {
		c.kill()
	}
}

// kill closes the connection whatever it is doing, from any goroutine.
func (c *conn) kill() {
	if c.state.Load() == connTunnel {
		c.unfinished.Store(true)
	}
	c.mindEnd()
	_ = c.socket.Close() // fails only when it is closed already
	if j := c.junction.Load(); j != nil {
		j.cut()
	}
}

// close closes the connection and forgets it.
func (c *conn) close() {
	c.state.Store(connClosing) // before the client can see its end: a drain that begins to cut then has nothing to do with it
	c.mindEnd()
	_ = c.nc.Close() // nobody is left to be told
	c.listener.conns.remove(c)
}

// mindEnd keeps the close that follows from looking like the end of what is not
// complete, also to what was made of the socket: that may say that it ends.
func (c *conn) mindEnd() {
	if c.unfinished.Load() {
		resetOnClose(c.socket)
		_ = c.socket.Close() // closed already, maybe
	}
}

// isTimeout reports whether err is a deadline that passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
