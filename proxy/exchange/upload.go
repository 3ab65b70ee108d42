package exchange

import (
	"errors"
	"fmt"
	"io"
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

var (
	errShortBody = errors.New("body is shorter than announced")
	errLongBody  = errors.New("body is longer than announced")
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

	done chan struct{}
	// To be read after done.
	complete bool
	sent     int64

	step  func(fd uintptr) bool // one more write
	p     []byte                // what it writes
	moved time.Duration         // when the upstream last took something
	err   error
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

// stream sends the body.
func (u *upload) stream() bool {
	mem := u.client.buffers.takeLarge()
	defer u.client.buffers.large.Put(mem)
	for left := u.length; ; {
		// Room for a size line before, and for a line end and the last chunk
		// behind the data.
		data := mem[32 : 32+64<<10]
		n, err := u.fetch(data, left)
		if err != nil && err != io.EOF { //nolint:errorlint // Read gives it bare
			return u.fail(ClientBody, err)
		}
		if u.length >= 0 {
			left -= int64(n)
		}
		if err != nil {
			u.stage.Store(fetched)
		}
		out := data[:n]
		if u.length < 0 {
			if out, err = u.frame(mem, n, err != nil); err != nil && err != io.EOF { //nolint:errorlint // as above
				return u.fail(ClientBody, err)
			}
		}
		if len(out) > 0 && !u.send(out) {
			return false
		}
		if u.stage.Load() == fetched {
			return true
		}
	}
}

// fetch reads the next piece. The last one of a body of known length is given
// together with io.EOF: that the body ends there is checked before it is sent,
// so that a body that is too long never reaches the upstream complete.
func (u *upload) fetch(data []byte, left int64) (int, error) {
	n, err := u.body.Read(data)
	if u.length < 0 {
		return n, err
	}
	switch {
	case int64(n) > left:
		return 0, errLongBody
	case err == io.EOF && int64(n) < left: //nolint:errorlint // Read gives it bare
		return 0, errShortBody
	case err != nil || int64(n) < left:
		return n, err
	}
	var more int
	for tries := 0; err == nil && more == 0; tries++ {
		if tries == 100 {
			return 0, io.ErrNoProgress
		}
		more, err = u.body.Read(data[n:cap(data)][:1])
	}
	if more > 0 {
		return 0, errLongBody
	}
	return n, err
}

// frame puts the n bytes at mem[32:] into a chunk, with the last chunk behind
// it at the end of the body.
func (u *upload) frame(mem *largeBuffer, n int, end bool) ([]byte, error) {
	start, out := 32, mem[32:32+n]
	if n > 0 {
		const digits = "0123456789abcdef"
		mem[30], mem[31] = '\r', '\n'
		start = 30
		for v := n; v > 0; v >>= 4 {
			start--
			mem[start] = digits[v&15]
		}
		out = mem[start : 32+n]
	}
	if !end {
		if n > 0 {
			out = append(out, '\r', '\n')
		}
		return out, nil
	}
	return lastChunk(out, n > 0, u.body.Trailer())
}

// lastChunk appends the end of a chunked body; after tells that b ends in data.
func lastChunk(b []byte, after bool, trailer []Field) ([]byte, error) {
	if after {
		b = append(b, '\r', '\n')
	}
	b = append(b, '0', '\r', '\n')
	for _, f := range trailer {
		if !validField(f) {
			return nil, fmt.Errorf("trailer %q: %w", f.Name, errFieldName)
		}
		b = append(append(b, f.Name...), ':', ' ')
		b = append(append(b, f.Value...), '\r', '\n')
	}
	return append(b, '\r', '\n'), nil
}

func validField(f Field) bool {
	for _, c := range f.Name {
		if !tokenByte[c] {
			return false
		}
	}
	return len(f.Name) > 0 && printable(f.Value)
}

// send writes all of p, for as long as the upstream takes something of it now
// and then.
func (u *upload) send(p []byte) bool {
	u.p = p
	u.moved = u.cn.now()
	for now := u.moved; ; {
		var by time.Duration
		if u.idle > 0 {
			by = u.moved + u.idle
		}
		by = earlier(by, u.deadline)
		if by != 0 && by <= now {
			return u.fail(IdleTimeout, errTooLate)
		}
		if !u.cn.limitWrite(now, by) {
			return false
		}
		u.err = nil
		err := u.cn.raw.Write(u.step)
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
func (u *upload) fail(kind Kind, err error) bool {
	switch {
	case u.stopping.Load():
	case u.answered.Load():
		u.cn.shutdown(unix.SHUT_WR)
	default:
		u.cause.Store(&Error{Kind: kind, Err: err})
		u.cn.abort()
	}
	return false
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

// spoilt reports whether the end of the connection is our own doing.
func (u *upload) spoilt() bool { return u.failure() != nil }
