package exchange

import (
	"io"
	"time"
)

// idleSteps is how finely idling is watched while w reads by itself: it tells
// how much was moved only when it comes back.
const idleSteps = 10

// WriteTo writes what is left of the body to w; an error that is no *Error
// comes from w. Large bodies are spliced when w is a *net.TCPConn or has its
// ReadFrom.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	var total int64
	if len(r.body) > 0 {
		n, err := w.Write(r.body)
		r.body, r.whole = r.body[n:], false
		total = int64(n)
		if err != nil {
			return total, err
		}
	}
	if from, ok := w.(io.ReaderFrom); ok && r.failed == nil && !r.ended &&
		(r.framing == byClose || r.framing == byLength && r.left >= spliceFrom) {
		n, err := r.splice(from)
		return total + n, err
	}
	n, err := r.pass(w)
	return total + n, err
}

// pass reads and writes.
func (r *Response) pass(w io.Writer) (total int64, err error) {
	if r.failed != nil || r.ended {
		return 0, r.failed
	}
	mem := r.client.buffers.takeLarge()
	defer r.client.buffers.large.Put(mem)
	for {
		n, err := r.Read(mem[:])
		if n > 0 {
			k, err := w.Write(mem[:n])
			total += int64(k)
			if err != nil {
				return total, err
			}
		}
		if err == io.EOF { //nolint:errorlint // Read gives it bare
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// splice lets w read from the connection.
func (r *Response) splice(w io.ReaderFrom) (total int64, err error) {
	src := &io.LimitedReader{R: r.cn.nc, N: r.left}
	if r.framing == byClose {
		src.N = 1<<63 - 1
	}
	r.last = r.cn.now()
	for now := r.last; ; {
		r.cn.limitStep(now, r.until(), r.idle/idleSteps)
		n, err := w.ReadFrom(src)
		total += n
		if r.framing == byLength {
			r.left -= n
		}
		now = r.cn.now()
		if n > 0 {
			r.last = now
		}
		switch {
		case r.framing == byLength && r.left == 0:
			r.end()
			return total, err
		case err == nil && r.framing == byClose && !r.cancel.Fired() && !r.up.spoilt():
			r.end()
			return total, nil
		case err == nil:
			return total, r.cut(r.blame(Truncated, IdleTimeout, io.EOF))
		case timedOut(err) && r.cn.stepPassed(now):
			if r.late(now) {
				return total, r.cut(r.blame(Truncated, IdleTimeout, err))
			}
		case r.cancel.Fired() || r.up.spoilt() || r.cn.look() == gone:
			// The upstream ended the connection: the failure is not w's.
			return total, r.cut(r.blame(Truncated, IdleTimeout, err))
		default:
			return total, err // of w
		}
	}
}

// limitStep sets the read deadline one step ahead, at most to by.
func (cn *conn) limitStep(now, by, step time.Duration) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if step > 0 {
		by = earlier(now+max(step, 5*time.Millisecond), by)
	}
	cn.readBy = by
	var t time.Time
	if by != 0 {
		t = cn.at(by)
	}
	_ = cn.nc.SetReadDeadline(t)
}

// stepPassed reports whether our read deadline has passed; when not, it was
// w's that did.
func (cn *conn) stepPassed(now time.Duration) bool {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	return cn.readBy != 0 && cn.readBy <= now
}
