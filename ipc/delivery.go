package ipc

import (
	"strconv"
	"sync"
	"time"
)

// Failure is a worker that did not get a message, or did not say so.
type Failure struct {
	Worker  string `json:"worker"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Result says what became of a message to several workers.
type Result struct {
	Received int       `json:"received"` // workers that acknowledged it
	Sent     int       `json:"sent"`     // workers it was written to that do not acknowledge
	Failed   []Failure `json:"failed"`
}

// single is the result of a message that went to one worker.
func (r Result) single(worker string) (Delivery, *Error) {
	if len(r.Failed) > 0 {
		return Delivery{}, &Error{Code: r.Failed[0].Code, Message: r.Failed[0].Message}
	}
	return Delivery{Worker: worker, Acknowledged: r.Received > 0}, nil
}

// delivery is one message on its way to one or more workers. It is over when
// each has acknowledged it or failed, or its time is up.
type delivery struct {
	hub  *Hub
	note note // for count and audit, of each receiver
	done func(Result)

	mu       sync.Mutex
	deadline deadline
	waiting  map[*Endpoint]struct{} // nil once it is over
	result   Result
}

// deliver sends m to the workers; done gets the result, perhaps before deliver
// returns and perhaps from another goroutine.
func (h *Hub) deliver(m *message, to []*Endpoint, b *batch, done func(Result)) {
	d := &delivery{hub: h, note: m.note(), done: done, waiting: make(map[*Endpoint]struct{}, len(to))}
	for _, e := range to { // all at first: acknowledgements may come at once
		d.waiting[e] = struct{}{}
	}
	for _, e := range to {
		e.give(m, d, b)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) > 0 {
		h.deadlines.add(&d.deadline, time.Now().Add(h.options.RequestTimeout), d.expire)
	} else if len(to) == 0 {
		d.overLocked()
	}
}

// settle notes what became of the message for one worker: err nil and acked is
// received, err nil alone is sent.
func (d *delivery) settle(e *Endpoint, acked bool, err *Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, waits := d.waiting[e]; !waits {
		return // too late
	}
	d.settleLocked(e, acked, err)
	if len(d.waiting) == 0 {
		d.overLocked()
	}
}

func (d *delivery) settleLocked(e *Endpoint, acked bool, err *Error) {
	delete(d.waiting, e)
	switch {
	case err != nil:
		d.result.Failed = append(d.result.Failed, Failure{Worker: e.id, Code: err.Code, Message: err.Message})
	case acked:
		d.result.Received++
	default:
		d.result.Sent++
	}
	d.hub.note(&d.note, e.id, err)
}

// expire ends the wait for those that have not answered yet.
func (d *delivery) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) == 0 {
		return
	}
	for e := range d.waiting {
		d.settleLocked(e, false, refuse(CodeTimeout, "worker %s did not acknowledge it within %v; it may still handle it", e.id, d.hub.options.RequestTimeout))
	}
	d.overLocked()
}

// overLocked reports the result. The report is a hand-off that never waits.
func (d *delivery) overLocked() {
	d.waiting = nil
	d.hub.deadlines.drop(&d.deadline)
	if d.done != nil {
		d.done(d.result)
	}
}

// inbox is what a worker was sent and has not acknowledged yet, oldest first.
type inbox struct {
	last   uint64 // number of the newest message
	unread []unread
	kept   int // bytes of content that are kept for the audit log until then
}

type unread struct {
	seq uint64
	d   *delivery
}

func (i *inbox) add(d *delivery) uint64 {
	i.last++
	i.kept += len(d.note.content)
	i.unread = append(i.unread, unread{i.last, d})
	return i.last
}

// upTo takes out what has numbers up to seq.
func (i *inbox) upTo(seq uint64) []unread {
	n := 0
	for n < len(i.unread) && i.unread[n].seq <= seq {
		i.kept -= len(i.unread[n].d.note.content)
		n++
	}
	read := i.unread[:n:n]
	if i.unread = i.unread[n:]; len(i.unread) == 0 {
		i.unread = nil
	}
	return read
}

// take takes out everything.
func (i *inbox) take() []*delivery {
	all := make([]*delivery, 0, len(i.unread))
	for _, u := range i.unread {
		all = append(all, u.d)
	}
	i.unread, i.kept = nil, 0
	return all
}

// give puts a message for this worker into its box.
func (e *Endpoint) give(m *message, d *delivery, b *batch) {
	acks := e.acks.Load()
	data, err := m.dataFor(e.place.pool)
	if err != nil {
		d.settle(e, false, err)
		return
	}
	if err := e.enqueue(m, data, acks, d); err != nil {
		d.settle(e, false, err)
		return
	}
	b.add(e)
	if !acks {
		d.settle(e, false, nil)
	}
}

// enqueue numbers a message, where the worker acknowledges, and puts it into
// the box, both in one order.
func (e *Endpoint) enqueue(m *message, data []byte, acks bool, d *delivery) *Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.gone:
		return refuse(CodeWorkerGone, "worker %s ended", e.id)
	case acks && len(e.inbox.unread) >= e.hub.options.QueueLength:
		return refuse(CodeQueueFull, "worker %s has %d messages that it has not acknowledged", e.id, len(e.inbox.unread))
	case acks && e.inbox.kept+len(m.content) > maxQueued:
		return refuse(CodeQueueFull, "worker %s has %d bytes of messages that it has not acknowledged and that the audit log is to have", e.id, e.inbox.kept)
	}
	put := e.out.put(true, func(buf []byte) []byte {
		buf = append(buf, `{"drover":"message",`...)
		if acks {
			buf = append(strconv.AppendUint(append(buf, `"seq":`...), e.inbox.add(d), 10), ',')
		}
		buf = appendString(append(buf, `"from":`...), m.from.id)
		if m.topic {
			buf = append(buf, `,"topic":`...)
		} else {
			buf = append(buf, `,"type":`...)
		}
		return append(append(appendString(buf, m.kind), data...), '}')
	})
	if !put {
		return e.noRoom()
	}
	return nil
}

// ack settles what the worker has received.
func (e *Endpoint) ack(f *frame, _ *batch) *Error {
	e.acknowledge(f.seq, nil)
	return nil
}

// nack settles one message that the worker refuses, and those before it.
func (e *Endpoint) nack(f *frame, _ *batch) *Error {
	refusal, err := parseError(f.err)
	if err != nil {
		return err
	}
	e.acknowledge(f.seq, refusal)
	return nil
}

func (e *Endpoint) acknowledge(seq uint64, refusal *Error) {
	e.mu.Lock()
	read := e.inbox.upTo(seq)
	e.mu.Unlock()
	for _, u := range read {
		if u.seq == seq && refusal != nil {
			u.d.settle(e, false, refusal)
		} else {
			u.d.settle(e, true, nil)
		}
	}
}
