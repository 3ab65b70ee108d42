package ipc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Delivery says what became of a message to one worker.
type Delivery struct {
	Worker       string // that it was given to
	Acknowledged bool   // false: written to a worker that does not acknowledge
}

func (d Delivery) appendTo(b []byte) []byte {
	b = appendString(append(b, `{"worker":`...), d.Worker)
	return append(strconv.AppendBool(append(b, `,"acknowledged":`...), d.Acknowledged), '}')
}

func (r Result) appendTo(b []byte) []byte {
	b = fmt.Appendf(b, `{"received":%d,"sent":%d,"failed":[`, r.Received, r.Sent)
	for i, f := range r.Failed {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"worker":`...), f.Worker)
		b = appendString(append(b, `,"code":`...), f.Code)
		b = append(appendString(append(b, `,"message":`...), f.Message), '}')
	}
	return append(b, "]}"...)
}

// Broadcast gives data, JSON, to all workers of the pool; * is every pool. It
// returns when each has acknowledged it or failed, after RequestTimeout at the
// latest. Errors are of type *Error, or that of ctx.
func (h *Hub) Broadcast(ctx context.Context, pool, kind string, data []byte) (Result, error) {
	return h.sayToMany(ctx, &frame{verb: "broadcast", has: hasType, kind: kind}, data, pool, nil)
}

// Publish gives data, JSON, to the workers that subscribed to the topic; else it
// is as Broadcast.
func (h *Hub) Publish(ctx context.Context, topic string, data []byte) (Result, error) {
	return h.sayToMany(ctx, &frame{verb: "publish", has: hasTopic, topic: topic}, data, everyPool, subscribed(topic))
}

func (h *Hub) sayToMany(ctx context.Context, f *frame, data []byte, pool string, want func(*Endpoint) bool) (Result, error) {
	m, err := h.own(f, data)
	if err != nil {
		return Result{}, err
	}
	to, refusal := h.audience(pool, m, want)
	if refusal != nil {
		return Result{}, refusal
	}
	if pool != everyPool && len(to) == 0 && !h.present.Load().has(pool) {
		return Result{}, refuse(CodeNoTarget, "pool %.100q has no workers", pool)
	}
	return h.handOver(ctx, m, to)
}

// Send gives data, JSON, to one worker. It returns when that has acknowledged
// it; else it is as Broadcast.
func (h *Hub) Send(ctx context.Context, to Target, kind string, data []byte) (Delivery, error) {
	m, err := h.own(&frame{verb: "send", has: hasType, kind: kind}, data)
	if err != nil {
		return Delivery{}, err
	}
	e, refusal := h.pick(to, nil, m)
	if refusal != nil {
		return Delivery{}, refusal
	}
	r, err := h.handOver(ctx, m, []*Endpoint{e})
	if err != nil {
		return Delivery{}, err
	}
	d, refusal := r.single(e.id)
	if refusal != nil {
		return Delivery{}, refusal
	}
	return d, nil
}

func (h *Hub) handOver(ctx context.Context, m *message, to []*Endpoint) (Result, error) {
	done := make(chan Result, 1)
	h.sealing.Lock() // receivers take tokens in the order in which they were made
	h.deliver(m, to, nil, func(r Result) { done <- r })
	h.sealing.Unlock()
	select {
	case r := <-done:
		return r, nil
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Request asks one worker and returns its answer. The deadline of ctx bounds the
// wait, or RequestTimeout where it has none. Errors are of type *Error: codes of
// the protocol, or those of the application that was asked.
func (h *Hub) Request(ctx context.Context, to Target, kind string, data []byte) (Answer, error) {
	m, err := h.own(&frame{verb: "request", has: hasType, kind: kind}, data)
	if err != nil {
		return Answer{}, err
	}
	e, refusal := h.pick(to, nil, m)
	if refusal != nil {
		return Answer{}, refusal
	}
	timeout := h.options.RequestTimeout
	if end, ok := ctx.Deadline(); ok {
		timeout = time.Until(end).Round(time.Millisecond) // as it was asked for
	}
	done := make(chan answered, 1)
	c := &call{note: m.note(), hub: h, responder: e, started: time.Now()}
	// Whoever reads from the worker calls this, so its tokens are read in the order in which they were made.
	c.tell = func(a answer, _ *batch) { done <- h.unseal(e, kind, a) }
	h.sealing.Lock()
	refusal = c.pose(m, timeout, nil)
	h.sealing.Unlock()
	if refusal != nil {
		return Answer{}, refusal
	}
	select {
	case a := <-done:
		return a.Answer, a.err
	case <-ctx.Done():
		why := refuse(CodeCancelled, "the requester cancelled it")
		if errors.Is(ctx.Err(), context.DeadlineExceeded) { // a moment before our own timer
			why = c.tooLate(timeout)
		}
		c.end(answer{err: why}, nil)
		a := <-done // it may have come at the last moment
		return a.Answer, a.err
	}
}

// answered is what Request returns.
type answered struct {
	Answer
	err error
}

// unseal reads an answer, and copies it.
func (h *Hub) unseal(e *Endpoint, kind string, a answer) answered {
	data := []byte("null")
	switch {
	case a.err != nil:
		return answered{err: a.err}
	case a.payload.jwe != nil:
		token, ok := text(a.payload.jwe)
		if !ok || h.options.Keys == nil {
			return answered{err: refuse(CodeRefused, "worker %s answered with what drover cannot decrypt", e.id)}
		}
		var err error
		if data, err = h.options.Keys.Decrypt(droverName, e.id, kind, token); err != nil {
			return answered{err: refuse(CodeRefused, "%v", err)}
		}
	case a.payload.data != nil:
		data = bytes.Clone(a.payload.data)
	}
	return answered{Answer: Answer{From: e.id, Data: data}}
}

// own makes a message of drover itself.
func (h *Hub) own(f *frame, data []byte) (*message, error) {
	value := jsontext.Value(bytes.Clone(data))
	if err := value.Compact(); err != nil { // a frame is one line
		return nil, refuse(CodeBadFrame, "the data is no JSON: %v", err)
	}
	f.has, f.data = f.has|hasData, value
	m, refusal := h.message(sender{id: droverName}, f)
	if refusal != nil {
		return nil, refusal
	}
	if h.options.Keys != nil {
		m.payload = payload{}
		m.seal = func(pool string) (string, error) { return h.options.Keys.Encrypt(pool, droverName, m.kind, value) }
	}
	return m, nil
}
