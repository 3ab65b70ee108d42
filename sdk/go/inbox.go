package drover

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// slowHandler is how long a handler runs before its message counts as handled.
	// Without it a slow handler would hold up the acknowledgements of others.
	slowHandler = 100 * time.Millisecond
	// maxUnhandled is how many messages wait for their handlers; more are refused.
	maxUnhandled = 10_000
)

// inbox gives messages to their handlers: those of one sender in order.
type inbox struct {
	c    *Client
	acks acks

	mu      sync.Mutex
	waiting int
	senders map[string][]job // what waits behind the one being handled
}

// job is one message for one handler.
type job struct {
	handler  *handler
	message  Message
	delivery *delivery
}

func newInbox(c *Client) *inbox {
	return &inbox{c: c, acks: acks{out: c.out}, senders: make(map[string][]job)}
}

// take is called by the reader, for each message in order.
func (in *inbox) take(f *frame) {
	d := in.acks.take(f.Seq)
	j, err := in.jobOf(f)
	if err != nil {
		in.acks.settle(d, err)
		return
	}
	j.delivery = d
	if j.handler.concurrent {
		go in.handle(j)
		return
	}
	in.queue(j)
}

func (in *inbox) jobOf(f *frame) (job, *Error) {
	kind := f.Type + f.Topic
	if err := in.c.reveal(f, kind); err != nil {
		return job{}, asError(err, "refused")
	}
	if err := in.c.greeting().schemas.check(kind, f.Data); err != nil {
		return job{}, err
	}
	h := in.c.handlers.find(kind)
	if f.Topic != "" {
		h = in.c.events.topicHandler(f.Topic)
	}
	if h == nil {
		return job{}, noHandler(kind)
	}
	return job{handler: h, message: Message{From: f.From, Type: f.Type, Topic: f.Topic, Data: f.Data}}, nil
}

func (in *inbox) queue(j job) {
	from := j.message.From
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.waiting >= maxUnhandled {
		in.acks.settle(j.delivery, &Error{Code: "queue-full", Message: "too many messages wait for their handlers"})
		return
	}
	in.waiting++
	behind, busy := in.senders[from]
	if busy {
		in.senders[from] = append(behind, j)
		return
	}
	in.senders[from] = nil
	go in.drain(from, j)
}

// drain handles the messages of a sender until none waits.
func (in *inbox) drain(from string, j job) {
	for more := true; more; {
		in.handle(j)
		j, more = in.next(from)
	}
}

func (in *inbox) next(from string) (job, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waiting--
	behind := in.senders[from]
	if len(behind) == 0 {
		delete(in.senders, from)
		return job{}, false
	}
	j := behind[0]
	behind[0] = job{}
	in.senders[from] = behind[1:]
	return j, true
}

func (in *inbox) handle(j job) {
	slow := time.AfterFunc(slowHandler, func() { in.acks.settle(j.delivery, nil) })
	defer slow.Stop()
	if _, err := j.handler.call(in.c.life, j.message); err != nil {
		in.acks.settle(j.delivery, asError(err, "handler-error"))
		return
	}
	in.acks.settle(j.delivery, nil)
}

// requests are those that this worker answers.
type requests struct {
	c    *Client
	mu   sync.Mutex
	open map[uint64]context.CancelFunc
}

func newRequests(c *Client) *requests {
	return &requests{c: c, open: make(map[uint64]context.CancelFunc)}
}

// take is called by the reader; the handler runs in a goroutine of its own.
func (r *requests) take(f *frame) {
	err := r.c.reveal(f, f.Type)
	if err == nil {
		if wrong := r.c.greeting().schemas.check(f.Type, f.Data); wrong != nil {
			err = wrong
		}
	}
	h := r.c.handlers.find(f.Type)
	if err == nil && h == nil {
		err = noHandler(f.Type)
	}
	if err != nil {
		r.fail(f.ID, asError(err, "refused"))
		return
	}
	ctx, cancel := r.c.life, context.CancelFunc(nil)
	if f.TimeoutMs > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(f.TimeoutMs)*time.Millisecond)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	r.mu.Lock()
	r.open[f.ID] = cancel
	r.mu.Unlock()
	go r.answer(ctx, h, f)
}

func (r *requests) answer(ctx context.Context, h *handler, f *frame) {
	defer r.cancel(f.ID)
	result, err := h.call(ctx, Message{From: f.From, Type: f.Type, Data: f.Data, Request: true})
	if err == nil {
		err = r.respond(f, result)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()): // the handler has seen its time end before drover's word of it came
		r.fail(f.ID, &Error{Code: "timeout", Message: "the handler gave up when its time was over"})
	default:
		r.fail(f.ID, asError(err, "handler-error"))
	}
}

func (r *requests) respond(f *frame, result any) error {
	raw, err := encode(result)
	if err != nil {
		return err
	}
	pool, _, _ := splitID(f.From)
	return r.c.putPayload(newLine("response").id(f.ID), message{kind: f.Type, pools: []string{pool}}, raw, line.end)
}

// fail answers with an error; its message is cut so that it fits any limit.
func (r *requests) fail(id uint64, e *Error) {
	text, _ := encode(&Error{e.Code, e.Message[:min(len(e.Message), 4<<10)]}) // two strings
	_ = r.c.put(newLine("response").id(id).json("error", text).end())         // closed: nobody waits any more
}

// cancel ends the context of a request, also of one that is answered.
func (r *requests) cancel(id uint64) {
	r.mu.Lock()
	cancel := r.open[id]
	delete(r.open, id)
	r.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
