package exchange

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// stage is how far an upload is, as far as Interrupt is concerned.
type stage = int32

const (
	fetching stage = iota // Read of the body may be waiting
	fetched               // the body was read to its end
)

// upload sends what the first write could not, in a goroutine of its own, so
// that the response is read meanwhile. The Response waits for done before it
// lets go of the connection or tells the caller that the exchange is over.
type upload struct {
	client   *Client
	cn       *conn
	rest     [][]byte // goes first
	body     Body     // then this; nil when all is in rest
	length   int64
	first    time.Duration
	idle     time.Duration // most time without the upstream taking a byte
	deadline time.Duration

	stage    atomic.Int32
	stopping atomic.Bool
	answered atomic.Bool           // the final head is there
	sentAt   atomic.Int64          // when nothing more was to be sent, 0 before
	cause    atomic.Pointer[Error] // why the exchange cannot go on
	broken   atomic.Pointer[Error] // why the upload ended early while the response went on

	done chan struct{}
	// To be read after done.
	complete bool
	sent     int64

	copied bool                  // the kernel does not move this body: it is read
	step   func(fd uintptr) bool // one more write
	p      []byte                // what it writes
	moved  time.Duration         // when the upstream last took something
	err    error
}

func newUpload(r *Response) *upload {
	u := &upload{
		client: r.client, cn: r.cn, rest: r.out, body: r.streaming, length: r.req.Length,
		first: r.first, idle: r.idle, deadline: r.deadline, done: make(chan struct{}),
	}
	if u.idle == 0 {
		u.idle = r.first
	}
	if u.body == nil {
		u.stage.Store(fetched)
	}
	u.step = u.write
	return u
}

func (u *upload) run() {
	defer close(u.done)
	defer func() {
		if p := recover(); p != nil {
			u.fail(ClientBody, fmt.Errorf("panic: %v", p))
		}
	}()
	for _, p := range u.rest {
		if !u.send(p) {
			return
		}
	}
	if u.body != nil && !u.stream() {
		return
	}
	u.complete = true
	u.finished()
}

// send writes all of p.
func (u *upload) send(p []byte) bool {
	u.p = p
	return u.push(u.step)
}

// push calls step whenever the socket has room until it returns true, for as long
// as the upstream takes something now and then.
func (u *upload) push(step func(fd uintptr) bool) bool {
	u.moved = u.cn.now()
	for now := u.moved; ; {
		var by time.Duration
		if u.idle > 0 {
			by = u.moved + u.idle
		}
		by = earlier(by, u.deadline)
		if by != 0 && by <= now {
			u.fail(IdleTimeout, errTooLate)
			return false
		}
		if !u.cn.limitWrite(now, by) {
			return false
		}
		u.err = nil
		err := u.cn.raw.Write(step)
		if err == nil && u.err == nil {
			return true
		}
		if !timedOut(err) {
			// The upstream takes no more; it may have answered before.
			u.finished()
			return false
		}
		now = u.cn.now()
	}
}

// write is one attempt, called when the socket has room.
func (u *upload) write(fd uintptr) bool {
	for len(u.p) > 0 {
		n, err := unix.Write(int(fd), u.p)
		switch {
		case n > 0:
			u.p = u.p[n:]
			u.sent += int64(n)
			u.moved = u.cn.now()
		case err == unix.EAGAIN: //nolint:errorlint // bare, see socket.go
			return false
		case err != unix.EINTR: //nolint:errorlint // bare
			u.err = err
			return true
		}
	}
	return true
}

// finished starts the time for the first byte: nothing more is sent.
func (u *upload) finished() {
	now := u.cn.now()
	u.sentAt.Store(int64(now))
	if u.first > 0 {
		u.cn.limitRead(now, func() time.Duration { return now + u.first })
	}
}

// fail ends the upload and, unless the response is already under way, the
// exchange.
func (u *upload) fail(kind Kind, err error) {
	switch {
	case u.stopping.Load():
	case u.answered.Load():
		u.broken.Store(&Error{Kind: kind, Err: err})
		u.cn.shutdown(unix.SHUT_WR)
	default:
		u.cause.Store(&Error{Kind: kind, Err: err})
		u.cn.abort()
	}
}

// stop ends the upload soon; done tells when. Called by the Response alone.
func (u *upload) stop() {
	if u.over() || u.stopping.Swap(true) {
		return
	}
	if u.stage.Load() == fetching {
		u.body.Interrupt()
	}
	u.cn.stopWriting()
}

// over reports whether the upload has ended.
func (u *upload) over() bool {
	select {
	case <-u.done:
		return true
	default:
		return false
	}
}

// failure is why the exchange cannot go on, nil when it can.
func (u *upload) failure() *Error {
	if u == nil {
		return nil
	}
	return u.cause.Load()
}

// early is why the upload ended while the response went on, nil when it did not.
// An upstream that got half a request may well give half a response.
func (u *upload) early() *Error {
	if u == nil {
		return nil
	}
	return u.broken.Load()
}

// spoilt reports whether the end of the connection may be our own doing: what ends
// behind half a request may be half a response.
func (u *upload) spoilt() bool {
	if u.failure() != nil {
		return true
	}
	e := u.early()
	return e != nil && e.Kind == ClientBody
}
