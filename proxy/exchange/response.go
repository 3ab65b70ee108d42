package exchange

import (
	"io"
	"net"
	"time"
)

// Response is the upstream's answer. The zero value is ready for Do, and so is
// one that was closed: keep it in a sync.Pool. One goroutine uses it.
type Response struct {
	// Status is 101 or 200 to 999.
	Status int
	// Minor is the minor HTTP version the upstream spoke, 0 or 1.
	Minor int
	// Reason and Fields are valid until Close. Fields are as they came,
	// hop-by-hop ones included; equal Content-Length lines are merged.
	Reason []byte
	Fields []Field
	// Length is how many bytes Read will give: 0 when the response has no
	// body (also where HEAD or 304 carry a Content-Length), -1 when unknown.
	Length int64
	// Received is when the head was complete.
	Received time.Time

	exchange
	memory

	framing framing
	left    int64  // of a body by length, still to come from the connection
	body    []byte // decoded and not yet read, in the buffer
	whole   bool   // body is all of it, and nothing was read
	ended   bool   // nothing more comes from the connection
	failed  error  // every later Read gives it
	decoder decoder
}

// memory is where the head and what came with it are.
type memory struct {
	head  head
	large *largeBuffer
	small *smallBuffer
	buf   []byte // the one in use
	n     int    // how much of it is filled
}

// Read reads the body, decoded. It gives io.EOF at the end, and an *Error when
// the body was cut short or stalled.
func (r *Response) Read(p []byte) (int, error) {
	if len(r.body) > 0 {
		n := copy(p, r.body)
		r.body, r.whole = r.body[n:], false
		return n, nil
	}
	switch {
	case r.failed != nil:
		return 0, r.failed
	case r.ended:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	switch r.framing {
	case byLength:
		n, err := r.receive(p[:min(int64(len(p)), r.left)])
		if r.left -= int64(n); r.left == 0 {
			r.end()
		}
		return n, err
	case byClose:
		n, err := r.receive(p)
		if err == io.EOF { //nolint:errorlint // receive gives it bare, and only where the body may end
			r.end()
		}
		return n, err
	default:
		return r.readChunks(p)
	}
}

// Ready reports whether Read gives a part of the body without waiting.
func (r *Response) Ready() bool { return len(r.body) > 0 }

// readChunks reads into p and takes the framing off there.
func (r *Response) readChunks(p []byte) (int, error) {
	for {
		raw, err := r.receive(p)
		if err != nil {
			return 0, err
		}
		n, used, err := r.decoder.decode(p[:raw])
		if err != nil {
			return n, r.cut(r.invalid(err))
		}
		if r.decoder.done() {
			r.reusable = r.reusable && used == raw
			r.end()
			if n == 0 {
				return 0, io.EOF
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// Whole gives the complete body when all of it came with the head and nothing
// of it was read yet. It is valid until Close.
func (r *Response) Whole() ([]byte, bool) {
	if !r.whole {
		return nil, false
	}
	return r.body, true
}

// Trailer gives the fields after a chunked body, valid from its io.EOF (or
// Whole) until Close. Fields that frame a message are left out.
func (r *Response) Trailer() []Field { return r.decoder.trailer }

// Tunnel gives the connection after a 101, and the bytes that already came on
// it, which are valid until Close. From then on the connection is the
// caller's: neither Cancel nor Close ends it. Deadlines are off. It is nil when
// the status is not 101, or Cancel was first.
func (r *Response) Tunnel() (net.Conn, []byte) {
	if r.Status != 101 || r.cn == nil {
		return nil, nil
	}
	cn := r.cn
	if !r.cancel.detach() {
		return nil, nil // Close closes it
	}
	r.cn, cn.r = nil, nil
	cn.free()
	return cn.nc, r.body
}

// Close ends the exchange: it stops an upload that still goes on and waits for
// it, keeps the connection for the next request when it is clean and closes it
// otherwise. It never fails, and may be called again.
func (r *Response) Close() error {
	if r.up != nil {
		r.up.stop()
		<-r.up.done
	}
	if r.cn != nil {
		r.release(r.ended && r.failed == nil, r.cn.now())
	}
	r.reset()
	return nil
}

// reset gives the memory back and forgets the exchange.
func (r *Response) reset() {
	if r.client != nil {
		r.client.buffers.giveBack(&r.memory)
	}
	r.exchange = exchange{}
	r.Status, r.Minor, r.Reason, r.Fields, r.Length, r.Received = 0, 0, nil, nil, 0, time.Time{}
	r.framing, r.left, r.body = noBody, 0, nil
	r.whole, r.ended, r.failed = false, false, nil
	r.decoder.begin()
}

// end notes that the whole body came. The connection goes back at once, not
// when the caller has passed the body on to a slow client.
func (r *Response) end() { r.endAt(r.cn.now()) }

func (r *Response) endAt(now time.Duration) {
	r.ended = true
	if r.up == nil || r.up.over() {
		r.release(true, now)
	}
}

// release gives the connection up: to the pool when clean and nothing speaks
// against it.
func (r *Response) release(clean bool, now time.Duration) {
	cn, up := r.cn, r.up
	r.cn, cn.r = nil, nil
	live := r.cancel.detach()
	if up != nil {
		clean = clean && up.complete
		r.sent += up.sent
	}
	if !live || !clean || !r.reusable {
		cn.close()
		return
	}
	cn.written += r.sent
	cn.since = now
	if hold := r.head.hold; hold != 0 {
		r.client.idle.keep.tell(hold)
	}
	r.client.idle.push(cn)
}

// receive reads from the connection under the deadlines of a body. io.EOF is
// given only where the end of the connection is the end of the body.
func (r *Response) receive(p []byte) (int, error) {
	now := r.cn.now()
	r.last = now
	for {
		r.cn.limitRead(now, r.until)
		n, err := r.cn.nc.Read(p)
		if n > 0 {
			return n, nil
		}
		if err == io.EOF && r.framing == byClose && !r.cancel.Fired() && !r.up.spoilt() { //nolint:errorlint // net gives it bare
			return 0, err
		}
		if now = r.cn.now(); timedOut(err) && !r.late(now) {
			continue
		}
		return 0, r.cut(r.blame(Truncated, IdleTimeout, err))
	}
}

// cut makes err the end of the body.
func (r *Response) cut(err *Error) error {
	r.failed = err
	return err
}

// late reports whether the current wait has lasted too long.
func (r *Response) late(now time.Duration) bool {
	by := r.until()
	return by != 0 && by <= now
}
