package proxy

import (
	"errors"
	"io"
	"math"
	"net"
	"sync/atomic"
	"time"
)

// junction copies between a client's and an upstream's connection, both ways,
// until both have said that they are done. An end of one direction is passed on
// as such (half-close). Between TCP or Unix sockets the kernel moves the bytes
// (splice), so they are only seen when a round ends.
type junction struct {
	conn     *conn // the client's
	upstream net.Conn
	idle     time.Duration // both ends silent for longer, and it is over; 0: no bound
	server   *Server

	up, down flow
	broken   atomic.Bool
}

// flow is one direction of a junction, as the other one may see it. It is moved
// in rounds, of about half of the idle time, and what a round moves is known at
// its end.
type flow struct {
	moved atomic.Int64 // bytes
	quiet atomic.Int64 // since when nothing was moved, as far as is known
	known atomic.Int64 // until when that is known; by the server's clock, as the other
}

// ended says what is known of a round that has ended well and moved n bytes. Of one
// that has failed nothing is said: the other direction could take it for silence.
func (f *flow) ended(n, now int64) {
	if n > 0 {
		f.quiet.Store(now)
	}
	f.known.Store(now) // after quiet: who sees this sees that
}

var (
	errIdle  = errors.New("nothing was sent either way for too long")
	errPanic = errors.New("drover failed")
	errCut   = errors.New("drover ended it before its time")
)

// run copies until both directions have ended; first what was read before.
// It returns nil when both ended in order.
func (j *junction) run(fromClient, fromUpstream []byte) error {
	j.conn.junction.Store(j)
	if j.conn.ended() { // by one who could not see the junction yet
		j.fail(errCut)
		return errCut
	}
	begun := j.clock()
	j.up.quiet.Store(begun)
	j.down.quiet.Store(begun)
	up := make(chan error, 1)
	go func() { up <- j.copy(j.upstream, j.conn.nc, &j.up, &j.down, fromClient) }()
	err := j.copy(j.conn.nc, j.upstream, &j.down, &j.up, fromUpstream)
	return errors.Join(err, <-up)
}

// fail ends both directions. What was cut by anything but silence must not look
// finished.
func (j *junction) fail(err error) {
	if !errors.Is(err, errIdle) {
		j.cut()
	}
	_ = j.conn.nc.Close() // the other direction is to notice, nothing more
	_ = j.upstream.Close()
}

// cut ends both sides with a reset, from any goroutine. A direction may wait for
// either, so it is not enough to end one.
func (j *junction) cut() {
	resetOnClose(j.conn.socket)
	resetOnClose(j.upstream)
	_ = j.conn.socket.Close() // closed already, maybe
	_ = j.upstream.Close()
}

// copy moves bytes from src to dst until src ends.
func (j *junction) copy(dst, src net.Conn, f, other *flow, first []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			j.server.panicked("tunnel", p)
			j.broken.Store(true)
			j.fail(errPanic)
			err = errPanic
		}
	}()
	err = j.rounds(dst, src, f, other, first)
	if err != nil {
		if j.broken.Swap(true) {
			return nil // a consequence of the other direction's
		}
		j.fail(err)
		return err
	}
	f.known.Store(math.MaxInt64) // it will move nothing more
	if half, ok := dst.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // dst may be gone, then its direction says so
	}
	return nil
}

func (j *junction) rounds(dst, src net.Conn, f, other *flow, first []byte) error {
	if len(first) > 0 {
		if _, err := j.bound(dst, src); err != nil {
			return err
		}
		n, err := dst.Write(first)
		f.moved.Add(int64(n))
		if err != nil {
			return err
		}
		f.ended(int64(n), j.clock())
	}
	for {
		writeBy, err := j.bound(dst, src)
		if err != nil {
			return err
		}
		n, err := j.move(dst, src)
		f.moved.Add(n)
		if err != nil && (!isTimeout(err) || !time.Now().Before(writeBy)) {
			return err // where dst took nothing, what was on its way to it is lost
		}
		f.ended(n, j.clock())
		if err == nil {
			return nil
		}
		if f.silentWith(other, j.idle) {
			return errIdle
		}
	}
}

// bound sets the deadlines of a round. By writeBy dst has taken something.
func (j *junction) bound(dst, src net.Conn) (writeBy time.Time, err error) {
	if j.idle <= 0 {
		return time.Time{}, nil
	}
	now := time.Now()
	writeBy = now.Add(2 * j.idle)
	if err = src.SetReadDeadline(now.Add((j.idle + 1) / 2)); err == nil {
		err = dst.SetWriteDeadline(writeBy)
	}
	return writeBy, err
}

// silentWith tells whether it is known that both directions have been silent for so
// long. Of one that waits for its side to take something, nothing is known meanwhile.
func (f *flow) silentWith(other *flow, idle time.Duration) bool {
	until := min(f.known.Load(), other.known.Load())
	return until-max(f.quiet.Load(), other.quiet.Load()) >= int64(idle)
}

func (j *junction) clock() int64 { return int64(time.Since(j.server.born)) }

// move copies until src ends or an error, spliced where it can be.
func (j *junction) move(dst, src net.Conn) (int64, error) {
	if !j.server.splices(src) {
		return io.Copy(struct{ io.Writer }{dst}, struct{ io.Reader }{src})
	}
	return io.Copy(dst, src)
}

// resetOnClose makes the end of a connection an error for the other side.
func resetOnClose(nc net.Conn) {
	if tc, ok := nc.(*net.TCPConn); ok {
		_ = tc.SetLinger(0) // if not, it ends like any other
	}
}
