package exchange

import (
	"errors"
	"io"
)

// ErrNoPipe is what Fill says where the kernel does not move this body: read it.
var ErrNoPipe = errors.New("the kernel does not move this body")

// PipeFrom is the size from which it pays to have the kernel move a body.
const PipeFrom = 128 << 10

// Fillable reports whether what is left of the body is long enough, and framed
// so, that Fill is worth calling.
func (r *Response) Fillable() bool {
	return r.framing == byLength && r.left >= PipeFrom && len(r.body) == 0 && !r.ended && r.failed == nil
}

// Fill moves what there is of the body to p, which is empty. It waits, ends and
// fails as Read does, and is called only after Fillable.
func (r *Response) Fill(p *Pipe) (int, error) {
	switch {
	case r.failed != nil:
		return 0, r.failed
	case r.ended:
		return 0, io.EOF
	}
	now := r.cn.now()
	r.last = now
	for {
		r.cn.limitRead(now, r.until)
		n, err := p.Fill(r.cn.raw, r.left)
		if n > 0 {
			if r.left -= int64(n); r.left == 0 {
				r.end()
			}
			return n, nil
		}
		if errors.Is(err, ErrNoPipe) {
			return 0, err
		}
		if err == nil {
			err = io.EOF
		}
		if now = r.cn.now(); timedOut(err) && !r.late(now) {
			continue
		}
		return 0, r.cut(r.blame(Truncated, IdleTimeout, err))
	}
}
