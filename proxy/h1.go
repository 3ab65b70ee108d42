package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// h1 is the HTTP/1.x side of a connection while it has something to do: the
// request that is being read, and the way back. It is borrowed with the first
// byte of a request and given back when the connection is idle.
type h1 struct {
	server *Server
	c      *conn
	t      *table
	br     *bufio.Reader // small, or what widen made
	small  *bufio.Reader

	stage  stage
	fault  *refusal // of the request at stageHead
	phase  phase
	headBy time.Time // by when the header section must be there

	header fasthttp.RequestHeader
	m      message
	body   h1Body
	http11 bool
	keep   bool // the client would use the connection again
	close  bool // this answer says that it is the last
	broken bool // not to be used again

	out      []byte // an answer's head and small body on their way out
	pair     pair
	drop     listed
	interim  sync.Mutex // held while something is written before the final answer
	answered bool       // guarded by interim: the final answer has begun
	told100  bool       // guarded by interim: 100 was sent

	beforeRead func() error
}

// stage is how far a request was brought by servePlain, for serve to go on.
type stage uint8

const (
	stageNew  stage = iota // nothing of it was looked at
	stagePart              // its head is not complete
	stageHead              // its head is there, and was found right or wrong
)

type phase uint8

const (
	phaseHead phase = iota
	phaseBody
)

// smallReader takes the head of nearly every request.
const smallReader = 4 << 10

func newH1(s *Server) *h1 {
	h := &h1{server: s, small: bufio.NewReaderSize(nil, smallReader)}
	h.beforeRead = h.arm
	return h
}

// attach makes h serve a connection.
func (h *h1) attach(c *conn) {
	h.c, h.br = c, h.small
	h.br.Reset(c)
	c.onRead = h.beforeRead
}

// detach forgets the connection.
func (h *h1) detach() {
	h.c.onRead = nil
	h.small.Reset(nil)
	h.c, h.br, h.t = nil, nil, nil
}

// arm sets the deadline for the read that is about to wait. It is not called
// for what arrived together, so the plain path sets no timer.
func (h *h1) arm() error {
	now := time.Now()
	if h.phase == phaseBody {
		if err := h.c.readWithin(now, h.t.timeouts.requestBodyIdle); err != nil {
			return err
		}
		// After the deadline was set, or Interrupt's would be overwritten unseen.
		if h.body.interrupted.Load() {
			return errInterrupted
		}
		return nil
	}
	d := h.t.timeouts.requestHeader
	if d <= 0 {
		return h.c.readWithin(now, 0)
	}
	if h.headBy.IsZero() {
		h.headBy = now.Add(d)
	}
	return h.c.readWithin(now, max(h.headBy.Sub(now), time.Millisecond))
}

// serve handles the request whose first byte is there and those that follow it
// without a pause. It reports whether the connection may wait for another.
func (h *h1) serve() bool {
	for {
		if !h.one() {
			return false
		}
		if h.br.Buffered() == 0 {
			return true
		}
	}
}

// servePlain is serve inside RawConn.Read: it handles requests that have arrived
// whole and need nothing but an answer. outside tells that there is one that serve
// is to go on with; again is meant when there is none.
func (h *h1) servePlain() (again, outside bool) {
	for {
		h.reset()
		h.fault = h.read()
		switch {
		case h.fault == notYet:
			h.stage = stagePart
			return false, true
		case h.fault != nil || h.m.length != 0 || h.m.upgrade != nil:
			h.stage = stageHead
			return false, true
		}
		h.handle()
		if h.broken || !h.finish() {
			return false, false
		}
		if h.br.Buffered() == 0 {
			return true, false
		}
	}
}

// one handles one request and reports whether the connection goes on.
func (h *h1) one() bool {
	if h.stage == stageNew {
		h.reset()
	}
	if h.stage != stageHead {
		h.fault = h.read()
	}
	h.stage = stageNew
	if r := h.fault; r != nil {
		h.fault = nil
		h.refuse(r)
		return false
	}
	if m := &h.m; m.length != 0 {
		h.body.begin(h, m.length, h.t.limits.body)
		m.body = &h.body
	}
	h.handle()
	if h.broken || h.c.state.Load() == connTunnel {
		return false
	}
	return h.finish()
}

// reset makes h ready for a request of which nothing was looked at.
func (h *h1) reset() {
	h.t = h.c.listener.table.Load()
	h.phase, h.headBy = phaseHead, time.Time{}
	h.answered, h.told100, h.close, h.keep = false, false, false, false
	h.m = message{fields: h.m.fields[:0], start: time.Now(), cancel: &h.c.cancel, link: h.c,
		peer: h.c.peer, peerText: h.c.peerText}
}

// notYet stands for a head of which a part is still to come.
var notYet = new(refusal)

// read reads a head and checks it; nil: it is right.
func (h *h1) read() *refusal {
	if r := h.readHead(); r != nil {
		return r
	}
	return h.parse()
}

// handle has the request answered.
func (h *h1) handle() {
	h.phase = phaseBody
	h.c.since.Store(h.server.tick.Load())
	h.server.handle(h.t, &h.m, h)
}

// finish brings the connection to where the next request begins.
func (h *h1) finish() bool {
	ok := h.answered && !h.close && h.c.lost == nil
	if h.m.body != nil {
		h.body.resume()
		ok = h.body.end() && ok
	}
	if !ok && h.answered && h.m.body != nil && h.body.pending() {
		h.linger()
	}
	return ok
}

// readHead reads the header section into h.header.
func (h *h1) readHead() *refusal {
	for {
		err := h.header.Read(h.br)
		if err == nil {
			return nil
		}
		if errors.Is(err, errWouldBlock) {
			return notYet
		}
		buffered, _ := h.br.Peek(h.br.Buffered()) // cannot fail
		if isSmallBuffer(err) && h.br.Size() < h.t.limits.readBuffer() {
			h.widen(buffered)
			continue
		}
		return h.headFault(err, buffered)
	}
}

// widen goes on with a reader that takes the largest header section allowed.
func (h *h1) widen(buffered []byte) {
	src := &prefixed{prefix: bytes.Clone(buffered), rest: h.c}
	h.br = bufio.NewReaderSize(src, h.t.limits.readBuffer())
}

// prefixed reads what was read before from somewhere else, then the rest.
type prefixed struct {
	prefix []byte
	rest   io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) == 0 {
		return p.rest.Read(b)
	}
	n := copy(b, p.prefix)
	p.prefix = p.prefix[n:]
	return n, nil
}
