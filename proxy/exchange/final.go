package exchange

import (
	"bytes"
	"fmt"
	"time"
)

// readHead reads on until the final head is complete, and sets out what comes
// after it. Something of it is already in the buffer.
func (r *Response) readHead() *Error {
	for informational := 0; ; {
		n, err := r.head.parse(r.buf[:r.n])
		switch {
		case err != nil:
			return r.invalid(err)
		case n == 0:
			r.answering = true
			r.last = r.cn.now()
			if err := r.wait(r.last); err != nil {
				return r.blame(Reset, IdleTimeout, err)
			}
		case r.head.status >= 200 || r.head.status == 101:
			return r.final(n)
		default:
			if informational++; informational > maxInformational {
				return r.invalid(errInformational)
			}
			if err := r.informational(n); err != nil {
				return err
			}
		}
	}
}

// informational deals with a 1xx whose head is the first n bytes.
func (r *Response) informational(n int) *Error {
	switch {
	case r.head.chunked:
		return r.invalid(errCoding)
	case r.head.status == 100:
		if r.expecting {
			r.proceed()
		}
	case r.req.Informational != nil:
		r.tell()
	}
	r.n = copy(r.buf, r.buf[n:r.n])
	r.head.begin()
	r.answering = false
	r.begun = r.cn.now()
	if r.n > 0 {
		return nil
	}
	if err := r.wait(r.begun); err != nil {
		return r.blame(Reset, FirstByteTimeout, err)
	}
	return nil
}

// tell hands a 1xx to the caller; should that panic, nothing is left behind.
func (r *Response) tell() {
	told := false
	defer func() {
		if !told {
			_ = r.fail(&Error{Kind: Canceled})
		}
	}()
	r.req.Informational(r.head.status, r.head.fields)
	told = true
}

// final takes the final head, the first n bytes, and what came after it.
func (r *Response) final(n int) *Error {
	h := &r.head
	how, length, err := h.framing(r.req.Method)
	if err != nil {
		return r.invalid(err)
	}
	rest := r.buf[n:r.n]
	if h.status == 101 {
		if err := r.switched(rest); err != nil {
			return r.invalid(err)
		}
		r.ended = true
		r.Received = r.cn.at(r.cn.now())
		r.export(0)
		return nil
	}
	r.framing, r.left = how, length
	r.reusable = h.reusable() && how != byClose && r.req.Upgrade == "" && r.streaming == nil && r.held == nil
	complete := how == noBody
	switch how {
	case noBody:
		r.reusable = r.reusable && len(rest) == 0
	case byLength:
		k := min(int64(len(rest)), length)
		r.reusable = r.reusable && int64(len(rest)) == k
		r.body, r.left = rest[:k], length-k
		complete = r.left == 0
	case byChunks:
		r.decoder.begin()
		k, used, err := r.decoder.decode(rest)
		if err != nil {
			return r.invalid(err)
		}
		r.body, complete = rest[:k], r.decoder.done()
		r.reusable = r.reusable && used == len(rest)
	case byClose:
		r.body = rest
	}
	r.answering = true
	r.export(length)
	now := r.cn.now()
	r.Received = r.cn.at(now)
	r.conclude(n, complete, now)
	return nil
}

// export shows the head to the caller.
func (r *Response) export(length int64) {
	h := &r.head
	r.Status, r.Minor, r.Reason, r.Fields, r.Length = h.status, h.minor, h.reason, h.fields, length
}

// conclude settles what goes on behind the head of n bytes: the upload, and
// the connection or the buffer.
func (r *Response) conclude(n int, complete bool, now time.Duration) {
	if r.up != nil {
		r.up.answered.Store(true)
		if r.Status >= 300 && !r.up.over() {
			r.up.stop() // whoever refuses a request does not want the rest of it
		}
	}
	if complete {
		r.whole = true
		r.endAt(now)
		return
	}
	if r.n <= smallSize {
		r.shrink(n)
	}
}

// shrink moves the head and what came with it to a small buffer: a stream of
// events may live for hours.
func (r *Response) shrink(n int) {
	r.small = r.client.buffers.takeSmall()
	copy(r.small[:], r.buf[:r.n])
	r.buf = r.small[:]
	r.body = r.buf[n : n+len(r.body)]
	r.client.buffers.large.Put(r.large)
	r.large = nil
	h := &r.head
	h.reason = r.moved(h.reason)
	for i, f := range h.fields {
		h.fields[i] = Field{Name: r.moved(f.Name), Value: r.moved(f.Value)}
	}
	r.export(r.Length)
}

// moved is b, a part of the large buffer that reaches to its end by its
// capacity, in the small one.
func (r *Response) moved(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	at := largeSize - cap(b)
	return r.buf[at : at+len(b)]
}

// switched checks a 101 and leaves the connection for Tunnel.
func (r *Response) switched(rest []byte) error {
	switch {
	case r.req.Upgrade == "":
		return errUnasked
	case r.up != nil && !r.up.over() || r.streaming != nil || r.held != nil:
		return errEarlySwitch
	case !offered(r.req.Upgrade, get(r.head.fields, "upgrade")):
		return errOtherProtocol
	}
	r.body = rest
	return nil
}

// offered reports whether protocol is one of those asked for.
func offered(asked string, protocol []byte) bool {
	for all := []byte(asked); len(all) > 0; {
		var one []byte
		one, all, _ = bytes.Cut(all, comma)
		if one = trim(one); len(one) > 0 && bytes.EqualFold(one, protocol) {
			return true
		}
	}
	return false
}

func (r *Response) invalid(err error) *Error {
	return &Error{Kind: Invalid, Err: fmt.Errorf("read response from %s: %w", r.client.address, err)}
}
