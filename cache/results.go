package cache

import (
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// results are what a frame is answered with, a JSON list as it is written.
type results struct {
	out     []byte
	count   int
	delayed *delayed // nil while nothing waits
}

// delayed are results of which some are still to come.
type delayed struct {
	mu    sync.Mutex
	open  int // outcomes to come, and one while the frame still runs
	out   []byte
	holes []*hole
	reply func([]byte)
}

// hole is the place of a result that is still to come.
type hole struct {
	at      int // in out
	outcome outcome
}

func (r *results) begin() { r.out, r.count, r.delayed = append(r.out[:0], '['), 0, nil }

// next begins a result.
func (r *results) next() {
	if r.count++; r.count > 1 {
		r.out = append(r.out, ',')
	}
}

// full tells whether no further value may be added.
func (r *results) full() bool { return len(r.out) > maxResults }

func (r *results) entry(e *entry, now int64) {
	r.next()
	r.out = appendEntry(r.out, e, now)
}

func (r *results) truth(b bool) {
	r.next()
	r.out = strconv.AppendBool(r.out, b)
}

func (r *results) number(n int) {
	r.next()
	r.out = strconv.AppendInt(r.out, int64(n), 10)
}

func (r *results) text(json []byte) {
	r.next()
	r.out = append(r.out, json...)
}

func (r *results) failure(err *Error) {
	r.next()
	r.out = appendError(r.out, err)
}

func (r *results) outcome(o outcome) {
	r.next()
	r.out = appendOutcome(r.out, o)
}

// later leaves a place for a result and returns what fills it.
func (r *results) later() func(outcome) {
	r.next()
	if r.delayed == nil {
		r.delayed = &delayed{open: 1}
	}
	h := &hole{at: len(r.out)}
	return r.delayed.add(h)
}

// end replies to c, now or when the last place is filled.
func (r *results) end(c *client, reply func([]byte)) {
	r.out = append(r.out, ']')
	if r.delayed == nil {
		reply(r.out)
		return
	}
	d := r.delayed
	parked := int64(len(r.out))
	c.parked.Add(parked)
	d.reply = func(result []byte) {
		c.parked.Add(-parked)
		reply(result)
	}
	d.out, r.out, r.delayed = r.out, nil, nil
	d.fill(nil, outcome{})
}

func (d *delayed) add(h *hole) func(outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	d.holes = append(d.holes, h)
	return func(o outcome) { d.fill(h, o) }
}

// fill takes one outcome (h is nil for the end of the frame); the last one replies.
func (d *delayed) fill(h *hole, o outcome) {
	d.mu.Lock()
	if h != nil {
		h.outcome = o
	}
	d.open--
	last := d.open == 0
	d.mu.Unlock()
	if last {
		d.reply(d.joined())
	}
}

// joined puts the outcomes in their places.
func (d *delayed) joined() []byte {
	var whole []byte
	from := 0
	for _, h := range d.holes {
		whole = append(whole, d.out[from:h.at]...)
		from = h.at
		if o := h.outcome; o.value != nil && len(whole) > maxResults {
			h.outcome = outcome{err: tooMuch}
		}
		whole = appendOutcome(whole, h.outcome)
	}
	return append(whole, d.out[from:]...)
}

// appendEntry writes [VALUE], [VALUE,TTL], or null for no entry.
func appendEntry(dst []byte, e *entry, now int64) []byte {
	if e == nil {
		return append(dst, "null"...)
	}
	return appendValue(dst, e.value, e.left(now))
}

func appendValue(dst, value []byte, left int64) []byte {
	dst = append(append(dst, '['), value...)
	if left > 0 {
		dst = strconv.AppendInt(append(dst, ','), left, 10)
	}
	return append(dst, ']')
}

func appendOutcome(dst []byte, o outcome) []byte {
	switch {
	case o.err != nil:
		return appendError(dst, o.err)
	case o.lease != 0:
		dst = strconv.AppendUint(append(dst, `{"lease":"`...), o.lease, 10)
		return append(dst, `"}`...)
	default:
		return appendValue(dst, o.value, o.left)
	}
}

func appendError(dst []byte, err *Error) []byte {
	dst = append(append(dst, `{"error":{"code":"`...), err.Code...)
	dst, _ = jsontext.AppendQuote(append(dst, `","message":`...), err.Message) // always UTF-8
	return append(dst, "}}"...)
}
