package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// junction copies between a client's and an upstream's connection, both ways,
// until both have said that they are done. An end of one direction is passed on
// as such (half-close). Between TCP or Unix sockets the kernel moves the bytes
// (splice), so they are only seen when a round ends.
type junction struct {
	client, upstream net.Conn
	socket           net.Conn      // under client, or the same
	idle             time.Duration // both ends silent for longer, and it is over; 0: no bound
	server           *Server

	up, down flow
	broken   atomic.Bool
}

// flow is one direction of a junction, as the other one may see it. It is moved
// in rounds, of about half of the idle time.
type flow struct {
	moved atomic.Int64 // bytes, counted at the end of each round
	since atomic.Int64 // when the round began, by the server's clock; 0 after the last one
}

var (
	errIdle = errors.New("nothing was sent either way for too long")
	// errStuck is the other way to be silent: a side sent what the other does not take.
	errStuck = fmt.Errorf("bytes were on their way to a side that took none for too long: %w", os.ErrDeadlineExceeded)
	errPanic = errors.New("drover failed")
)

// run copies until both directions have ended; first what was read before.
// It returns nil when both ended in order.
func (j *junction) run(fromClient, fromUpstream []byte) error {
	up := make(chan error, 1)
	go func() { up <- j.copy(j.upstream, j.client, &j.up, &j.down, fromClient) }()
	err := j.copy(j.client, j.upstream, &j.down, &j.up, fromUpstream)
	return errors.Join(err, <-up)
}

// fail ends both directions. What was cut by anything but silence must not look
// finished.
func (j *junction) fail(err error) {
	if !errors.Is(err, errIdle) {
		resetOnClose(j.socket)
		resetOnClose(j.upstream)
	}
	_ = j.client.Close() // the other direction is to notice, nothing more
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
	f.since.Store(0)
	if err != nil {
		if j.broken.Swap(true) {
			return nil // a consequence of the other direction's
		}
		j.fail(err)
		return err
	}
	if half, ok := dst.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // dst may be gone, then its direction says so
	}
	return nil
}

func (j *junction) rounds(dst, src net.Conn, f, other *flow, first []byte) error {
	f.since.Store(j.clock())
	if len(first) > 0 {
		n, err := dst.Write(first)
		f.moved.Add(int64(n))
		if err != nil {
			return err
		}
	}
	seen, quiet := j.total(), 0
	var writeBy time.Time
	for {
		if j.idle > 0 {
			f.since.Store(j.clock())
			now := time.Now()
			writeBy = now.Add(2 * j.idle)
			if err := src.SetReadDeadline(now.Add(j.idle / 2)); err != nil {
				return err
			}
			if err := dst.SetWriteDeadline(writeBy); err != nil {
				return err
			}
		}
		n, err := j.move(dst, src)
		f.moved.Add(n)
		if err == nil || !isTimeout(err) || j.idle <= 0 {
			return err
		}
		if !time.Now().Before(writeBy) {
			return err // dst takes nothing, and what was on its way to it is lost
		}
		// A round ends by its deadline also when bytes flow. The other
		// direction's are counted when its round ends: hence two quiet ones.
		if total := j.total(); total != seen {
			seen, quiet = total, 0
		} else if quiet++; quiet >= 2 {
			if j.stuck(other) {
				return errStuck
			}
			return errIdle
		}
	}
}

// stuck tells whether a silent direction has bytes that its side does not take: it
// is in a round that its deadline for reading should have ended.
func (j *junction) stuck(f *flow) bool {
	since := f.since.Load()
	return since != 0 && time.Duration(j.clock()-since) > j.idle*3/4
}

// clock is never 0.
func (j *junction) clock() int64 { return int64(time.Since(j.server.born)) + 1 }

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

func (j *junction) total() int64 { return j.up.moved.Load() + j.down.moved.Load() }
