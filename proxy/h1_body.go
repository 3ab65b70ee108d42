package proxy

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/proxy/exchange"
)

// keepBody is how much of a request's body is kept for another attempt.
const keepBody = 64 << 10

var (
	errBodyTooLarge = errors.New("the body is larger than server.limits.bodyBytes")
	errInterrupted  = errors.New("reading the body was interrupted")
)

// h1Body is the body of an HTTP/1.1 request. One goroutine reads it at a time;
// Interrupt, received, fault and whole may be called meanwhile.
type h1Body struct {
	s     *h1
	chunk chunkReader // frames the body when its length is not known
	left  int64       // of a body with a length
	limit int64       // of bytes in all; 0: none
	going *outgoing   // says what of the trailer passes

	kept  []byte // the body from its start, for another attempt …
	next  int    // … of which this much was given in the present one
	lost  bool   // more than keepBody was read, kept is not the whole start any more
	inMem bool   // kept is the whole body, in the reader's buffer

	total       atomic.Int64
	done        atomic.Bool // the last byte was read
	interrupted atomic.Bool
	hungry      atomic.Bool // a Read that waited for the client was interrupted
	failed      atomic.Pointer[error]
}

// begin prepares for a body of length bytes, -1 for chunks. A body that has
// arrived with the head is used where it lies.
func (b *h1Body) begin(s *h1, length, limit int64) {
	if b.inMem { // kept lies in a reader that is somebody else's by now
		b.kept = nil
	}
	b.s, b.left, b.limit = s, length, limit
	b.kept, b.next, b.inMem = b.kept[:0], 0, false
	b.lost = length > keepBody
	b.total.Store(0)
	b.done.Store(false)
	b.interrupted.Store(false)
	b.hungry.Store(false)
	b.failed.Store(nil)
	if length < 0 {
		b.chunk.begin(s.br)
		return
	}
	if length <= int64(s.br.Buffered()) {
		b.kept, _ = s.br.Peek(int(length)) // cannot fail: that much is buffered
		b.inMem, b.left = true, 0
		b.total.Store(length)
		b.done.Store(true)
	}
}

// end takes what is left of the body off the connection where that is cheap and
// reports whether the next request begins there.
func (b *h1Body) end() bool {
	if b.inMem {
		_, err := b.s.br.Discard(len(b.kept))
		b.kept, b.inMem = nil, false
		return err == nil
	}
	if cap(b.kept) > keepBody {
		b.kept = nil
	}
	return b.done.Load()
}

// Bytes is the whole body when it is in memory.
func (b *h1Body) Bytes() ([]byte, bool) { return b.kept, b.inMem }

// Read gives what was kept first, then what the client sends.
func (b *h1Body) Read(p []byte) (int, error) {
	if b.next < len(b.kept) {
		n := copy(p, b.kept[b.next:])
		b.next += n
		return n, nil
	}
	if b.done.Load() {
		return 0, io.EOF
	}
	if err := b.fault(); err != nil {
		return 0, err
	}
	if b.interrupted.Load() {
		return 0, errInterrupted
	}
	n, err := b.fetch(p)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, b.fail(err)
	}
	b.keep(p[:n])
	return n, err
}

// Fillable reports whether the kernel can move what is left of the body: a long one
// of known length, of which nothing more was read than was given.
func (b *h1Body) Fillable() bool {
	return b.s.m.length >= 0 && b.left >= exchange.PipeFrom && b.s.c.direct &&
		b.s.br == b.s.small && b.s.br.Buffered() == 0 && b.fault() == nil
}

// Fill moves what there is of the body to p.
func (b *h1Body) Fill(p *exchange.Pipe) (int, error) {
	if b.interrupted.Load() {
		return 0, errInterrupted
	}
	n, err := b.fill(p)
	if errors.Is(err, exchange.ErrNoPipe) {
		return 0, err
	}
	b.left -= int64(n)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && b.left == 0 {
		b.done.Store(true)
	}
	if err = b.count(n, err); err != nil {
		return 0, b.fail(err)
	}
	return n, nil
}

func (b *h1Body) fill(p *exchange.Pipe) (int, error) {
	if err := b.s.goOn(); err != nil {
		return 0, err
	}
	if err := b.s.arm(); err != nil {
		return 0, err
	}
	return p.Fill(b.s.c.raw, b.left)
}

// fail keeps what the body's end was, unless it was interrupted, and gives it its name.
func (b *h1Body) fail(err error) error {
	if err = b.name(err); errors.Is(err, errInterrupted) {
		b.hungry.Store(true)
	} else {
		b.failed.Store(&err)
	}
	return err
}

// name makes the end of the connection an error, and an interruption ours.
func (b *h1Body) name(err error) error {
	if b.interrupted.Load() {
		return errInterrupted
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return errChunk
	}
	return err
}

// fetch reads from the connection; io.EOF is the end of the body.
func (b *h1Body) fetch(p []byte) (int, error) {
	if err := b.s.goOn(); err != nil {
		return 0, err
	}
	if b.s.m.length < 0 {
		n, err := b.chunk.Read(p)
		if errors.Is(err, io.EOF) {
			b.done.Store(true)
			return n, err
		}
		return n, b.count(n, err)
	}
	n, err := b.s.br.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && b.left == 0 {
		b.done.Store(true)
	}
	return n, b.count(n, err)
}

func (b *h1Body) count(n int, err error) error {
	if total := b.total.Add(int64(n)); b.limit > 0 && total > b.limit {
		return errBodyTooLarge
	}
	return err
}

func (b *h1Body) keep(p []byte) {
	if b.lost {
		return
	}
	if len(b.kept)+len(p) > keepBody {
		b.lost = true
		b.kept, b.next = b.kept[:0], 0
		return
	}
	b.kept = append(b.kept, p...)
	b.next = len(b.kept)
}

// Interrupt makes a Read that waits return. The deadline that it leaves behind
// is taken back by resume.
func (b *h1Body) Interrupt() {
	if b.done.Load() {
		return
	}
	b.interrupted.Store(true)
	_ = b.s.c.nc.SetReadDeadline(longAgo) // a closed connection does not read either
}

// Trailer returns the fields that came after a body in chunks and may be sent on.
func (b *h1Body) Trailer() []exchange.Field {
	b.chunk.trailer = slices.DeleteFunc(b.chunk.trailer, func(f exchange.Field) bool { return !b.going.passes(nameOf(f.Name), f.Name) })
	return b.chunk.trailer
}

func (b *h1Body) trailerBy(o *outgoing) { b.going = o }

func (b *h1Body) rewind() bool {
	if b.lost && b.total.Load() > 0 {
		return false
	}
	b.next = 0
	b.hungry.Store(false)
	b.resume()
	return true
}

// resume takes back what Interrupt did to the connection.
func (b *h1Body) resume() {
	if b.interrupted.Swap(false) {
		b.s.c.readBy = time.Time{}
		_ = b.s.c.nc.SetReadDeadline(time.Time{}) // a closed connection says so when it is read
	}
}

func (b *h1Body) received() int64 { return b.total.Load() }

func (b *h1Body) fault() error {
	if err := b.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// waited reports whether the upload was stopped while it waited for the client.
func (b *h1Body) waited() bool { return b.hungry.Load() }

// pending reports whether bytes of the body may still come.
func (b *h1Body) pending() bool { return !b.done.Load() }
