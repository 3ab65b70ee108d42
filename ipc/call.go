package ipc

import (
	"strconv"
	"sync/atomic"
	"time"
)

// Answer is what a request got.
type Answer struct {
	From string // the worker that answered
	Data []byte // JSON
}

// answer ends a call: a payload, or an error.
type answer struct {
	payload
	err *Error
}

// call is one request on its way to a worker and back. It ends exactly once.
type call struct {
	note      note
	hub       *Hub
	requester *Endpoint // nil: drover itself
	id        uint64    // the requester's
	responder *Endpoint
	duty      uint64 // the id that the responder sees
	started   time.Time
	deadline  deadline
	ended     atomic.Bool
	tell      func(answer, *batch) // hands the answer to the requester; never waits
}

// pose gives the request to its responder.
func (c *call) pose(m *message, timeout time.Duration, b *batch) *Error {
	e := c.responder
	data, err := m.dataFor(e.place.pool)
	if err != nil {
		return err
	}
	if err := e.takeOn(c, m, data, timeout); err != nil {
		return err
	}
	b.add(e)
	c.hub.deadlines.add(&c.deadline, c.started.Add(timeout), func() { c.end(answer{err: c.tooLate(timeout)}, nil) })
	if c.ended.Load() { // already, by another goroutine that saw no deadline
		c.hub.deadlines.drop(&c.deadline)
	}
	return nil
}

func (c *call) tooLate(timeout time.Duration) *Error {
	return refuse(CodeTimeout, "worker %s did not answer within %v; it may still handle the request", c.responder.id, timeout)
}

// takeOn gives the call an id of the responder's and puts it into its box.
func (e *Endpoint) takeOn(c *call, m *message, data []byte, timeout time.Duration) *Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return refuse(CodeWorkerGone, "worker %s ended", e.id)
	}
	if e.dutyKept+len(c.note.content) > maxQueued {
		return refuse(CodeQueueFull, "worker %s has %d bytes of requests that it has not answered and that the audit log is to have", e.id, e.dutyKept)
	}
	duty := e.lastDuty + 1
	put := e.out.put(true, func(buf []byte) []byte {
		buf = appendString(append(appendHead(buf, "request", duty), `,"from":`...), m.from.id)
		buf = append(appendString(append(buf, `,"type":`...), m.kind), data...)
		return append(strconv.AppendInt(append(buf, `,"timeoutMs":`...), timeout.Milliseconds(), 10), '}')
	})
	if !put {
		return e.noRoom()
	}
	e.lastDuty, c.duty = duty, duty
	e.duties[duty] = c
	e.dutyKept += len(c.note.content)
	return nil
}

// end ends the call unless it has ended. A responder that did not answer is told.
func (c *call) end(a answer, b *batch) {
	if !c.ended.CompareAndSwap(false, true) {
		return
	}
	c.hub.deadlines.drop(&c.deadline)
	c.responder.drop(c, b)
	if c.requester != nil {
		c.requester.mu.Lock()
		delete(c.requester.asked, c.id)
		c.requester.mu.Unlock()
	}
	c.hub.note(&c.note, c.responder.id, a.err)
	if o := c.hub.options.Observer; o != nil {
		o.IPCRequest(time.Since(c.started))
	}
	c.tell(a, b)
}

// drop forgets a duty; if it is still open, the worker is told not to bother.
func (e *Endpoint) drop(c *call, b *batch) {
	e.mu.Lock()
	open := e.relieveLocked(c.duty) != nil
	gone := e.gone
	e.mu.Unlock()
	if open && !gone {
		e.out.put(false, func(buf []byte) []byte { return append(appendHead(buf, "cancel", c.duty), '}') })
		b.add(e)
	}
}

// relieveLocked takes a duty away and returns it, if it was still open.
func (e *Endpoint) relieveLocked(duty uint64) *call {
	c := e.duties[duty]
	if c != nil {
		delete(e.duties, duty)
		e.dutyKept -= len(c.note.content)
	}
	return c
}

// response ends a request that this worker was asked.
func (e *Endpoint) response(f *frame, b *batch) *Error {
	a := answer{payload: payload{data: f.data, jwe: f.jwe}}
	if f.has&hasError != 0 {
		a.err, _ = parseError(f.err)
		if a.err == nil {
			a.err = refuse(CodeBadFrame, "the response of worker %s has an error that cannot be read", e.id)
		}
	} else if err := e.checkAnswer(a.payload); err != nil {
		a.err = refuse(err.Code, "the response of worker %s: %s", e.id, err.Message)
	}
	e.respond(f.id, a, b)
	return nil
}

func (e *Endpoint) checkAnswer(p payload) *Error {
	if p.jwe != nil && p.jwe[0] != '"' {
		return refuse(CodeBadFrame, "there is one requester, so there is one token: jwe is no string")
	}
	return e.hub.checkPayload(p, e.sender(), "")
}

// respond ends the request with this id of ours. One that nobody waits for any
// more is forgotten.
func (e *Endpoint) respond(id uint64, a answer, b *batch) {
	e.mu.Lock()
	c := e.relieveLocked(id)
	e.mu.Unlock()
	if c == nil {
		return
	}
	e.hub.count("response", codeOf(a.err))
	c.end(a, b)
}

// request sends a request of this worker on.
func (e *Endpoint) request(f *frame, b *batch) *Error {
	m, err := e.hub.message(e.sender(), f)
	if err != nil {
		return err
	}
	to, err := e.hub.pick(Target{f.worker, f.pool, f.pick}, e, m)
	if err != nil {
		return err
	}
	timeout := e.hub.options.RequestTimeout
	if f.timeoutMs > 0 {
		timeout = time.Duration(f.timeoutMs) * time.Millisecond
	}
	c := &call{note: m.note(), hub: e.hub, requester: e, id: f.id, responder: to, started: time.Now()}
	c.tell = func(a answer, b *batch) { e.answer(c, a, b) }
	if err := e.ask(c); err != nil {
		return err
	}
	if err := c.pose(m, timeout, b); err != nil {
		e.mu.Lock()
		delete(e.asked, f.id)
		e.mu.Unlock()
		return err
	}
	return nil
}

// ask notes an open request of this worker.
func (e *Endpoint) ask(c *call) *Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.gone:
		return refuse(CodeWorkerGone, "worker %s ended", e.id)
	case e.asked[c.id] != nil:
		return refuse(CodeDuplicateID, "request %d is still open", c.id)
	case len(e.asked) >= e.hub.options.QueueLength:
		return refuse(CodeTooManyRequests, "%d requests are open; wait for answers", len(e.asked))
	}
	e.asked[c.id] = c
	return nil
}

// answer tells this worker what became of its request.
func (e *Endpoint) answer(c *call, a answer, b *batch) {
	if a.err == nil && e.out.swamped() {
		a.err = refuse(CodeQueueFull, "worker %s answered, but more than %d bytes wait here to be read", c.responder.id, 2*maxQueued)
	}
	if a.err != nil {
		e.fail(c.id, a.err, b)
		return
	}
	e.out.put(false, func(buf []byte) []byte {
		buf = appendString(append(appendHead(buf, "reply", c.id), `,"from":`...), c.responder.id)
		return append(a.payload.appendTo(buf), '}')
	})
	b.add(e)
}

// cancel ends a request of this worker.
func (e *Endpoint) cancel(f *frame, b *batch) *Error {
	e.mu.Lock()
	c := e.asked[f.id]
	e.mu.Unlock()
	if c != nil { // else it has just ended
		c.end(answer{err: refuse(CodeCancelled, "the requester cancelled it")}, b)
	}
	return nil
}
