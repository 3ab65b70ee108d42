package exchange

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// expectWait is how long a body is withheld for a 100, as curl does it.
	expectWait = time.Second
	// maxInformational bounds the 1xx responses before a final one.
	maxInformational = 32
)

var (
	errEarlyEnd      = errors.New("connection closed before the response was complete")
	errUnasked       = errors.New("101 that was not asked for")
	errOtherProtocol = errors.New("101 to another protocol than was asked for")
	errEarlySwitch   = errors.New("101 before the request was complete")
	errInformational = errors.New("more than 32 informational responses")
	errTooLate       = errors.New("deadline passed")
)

// exchange is the part of a Response that talks to the upstream.
type exchange struct {
	client *Client
	cn     *conn
	req    *Request // during Do
	cancel *Cancel

	first, idle time.Duration // FirstByte and ResponseIdle
	deadline    time.Duration // of the whole, 0 none
	begun       time.Duration // when the head went out, or the last 1xx came
	last        time.Duration // when something last came
	answering   bool          // the response has begun

	out       [][]byte // what is sent by the first write
	held      [][]byte // the body in memory while expecting
	pieces    [4][]byte
	size      [18]byte // a chunk's size line
	streaming Body     // not in memory, not yet uploading
	expecting bool
	up        *upload // nil when all went out with the first write
	sent      int64   // bytes, without those of up

	reusable bool
}

// run makes the exchange on cn until the final head is there.
func (r *Response) run(c *Client, cn *conn, req *Request, now time.Duration, ph phase) error {
	if !req.Cancel.attach(cn) {
		cn.close()
		return &Error{Kind: Canceled, Unsent: true}
	}
	r.client, r.cn, r.req, r.cancel = c, cn, req, req.Cancel
	r.first, r.idle, r.deadline = req.FirstByte, req.ResponseIdle, cn.of(req.Deadline)
	r.begun = now
	r.head.begin()
	cn.r, cn.phase, cn.stopped = r, ph, false
	if err := r.compose(req); err != nil {
		return r.fail(&Error{Kind: ClientBody, Unsent: true, Err: err})
	}
	if err := r.wait(now); err != nil {
		if ph == looking && r.unwritten() && !timedOut(err) && !r.cancel.Fired() {
			r.abandon()
			if err == errTalking { //nolint:errorlint // bare
				return errTalking
			}
			return errStale
		}
		if err == errTalking { //nolint:errorlint // bare
			// An answer from before the question belongs to nobody, and whatever
			// followed on this connection would be one too early.
			e := r.invalid(err)
			e.Unsent = true
			return r.fail(e)
		}
		return r.fail(r.blame(Reset, FirstByteTimeout, err))
	}
	if err := r.readHead(); err != nil {
		return r.fail(err)
	}
	r.req = nil
	return nil
}

// unwritten reports that not a byte of the request was taken.
func (r *Response) unwritten() bool { return r.cn.phase != receiving }

// wait does what the connection's phase says, until something was read into
// the buffer.
func (r *Response) wait(now time.Duration) error {
	cn := r.cn
	for {
		cn.limitRead(now, r.until)
		cn.n, cn.err = 0, nil
		err := cn.raw.Read(cn.step)
		if err == nil {
			err = cn.err
			if err == nil && cn.n == 0 {
				err = io.EOF
			}
			r.n += cn.n
			return err
		}
		if !timedOut(err) {
			return err
		}
		// Some deadline passed, maybe one from before.
		now = cn.now()
		switch {
		case !r.late(now):
		case r.expecting && (r.deadline == 0 || now < r.deadline):
			r.proceed()
		default:
			return err
		}
	}
}

// until is the moment at which the current wait has lasted too long, 0 for
// never.
func (r *Response) until() time.Duration {
	var by time.Duration
	switch {
	case r.answering:
		if r.idle > 0 {
			by = r.last + r.idle
		}
	case r.expecting:
		by = r.begun + expectWait
	case r.first > 0 && r.up == nil:
		by = r.begun + r.first
	case r.first > 0:
		if at := time.Duration(r.up.sentAt.Load()); at != 0 {
			by = max(at, r.begun) + r.first
		}
	}
	return earlier(by, r.deadline)
}

// space is where the next bytes of the head go. A buffer is taken when there
// is something to put in, so that waiting costs none.
func (r *Response) space() []byte {
	if r.large == nil {
		r.large = r.client.buffers.takeLarge()
		r.buf = r.large[:]
	}
	return r.buf[r.n:]
}

// fail ends the exchange and gives err, or what was behind it.
func (r *Response) fail(err *Error) error {
	if r.up != nil {
		r.up.stop()
		<-r.up.done
		r.sent += r.up.sent
	}
	if err.Kind == Reset && !err.Unsent && r.n == 0 && r.sent > 0 {
		err.Unsent = unread(r.cn)
	}
	r.abandon()
	return err
}

// abandon closes the connection and forgets the exchange.
func (r *Response) abandon() {
	cn := r.cn
	r.cancel.detach()
	cn.r = nil
	cn.close()
	r.reset()
}

// blame makes an Error of what a wait failed with: the caller canceled, the
// upload went wrong, time passed, or the upstream went away.
func (r *Response) blame(gone, late Kind, err error) *Error {
	e := &Error{Kind: gone, Unsent: r.unwritten()}
	what := "read response from"
	if e.Unsent {
		what = "send request to"
	}
	if err == io.EOF { //nolint:errorlint // given bare
		err = errEarlyEnd
	}
	if cause := r.up.failure(); cause != nil {
		e.Kind, err, what = cause.Kind, cause.Err, "send request to"
	} else if timedOut(err) {
		e.Kind, err = late, errTooLate
		if r.answering {
			e.Kind = IdleTimeout
		}
	} else if cause := r.up.early(); cause != nil {
		e.Kind, err, what = cause.Kind, cause.Err, "send request to"
	}
	if r.cancel.Fired() {
		e.Kind = Canceled
	}
	e.Err = fmt.Errorf("%s %s: %w", what, r.client.address, err)
	return e
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
