package ipc

import (
	"sync/atomic"

	"github.com/drover-proxy/drover/event"
)

// hello answers an SDK's first frame. Over the inherited channel it needs no key.
func (e *Endpoint) hello(f *frame, b *batch) *Error {
	if err := checkVersion(f); err != nil {
		return err
	}
	if f.has&hasKey != 0 {
		return refuse(CodeKey, "the key is for the socket DROVER_IPC_SOCKET")
	}
	e.welcome(f, b)
	return nil
}

// Version is the version of the protocol that this package speaks.
const Version = 1

// checkVersion checks the version that hello names.
func checkVersion(f *frame) *Error {
	if f.version != Version {
		return refuse(CodeVersion, "version %d is not known; this drover speaks %d", f.version, Version)
	}
	return nil
}

// welcome answers hello.
func (e *Endpoint) welcome(f *frame, b *batch) {
	e.acks.Store(f.acks)
	e.greeted.Store(true)
	e.takes.Store(true)
	e.hub.giveKeys(e, b)
	e.reply(f.id, b, e.hub.greeting(e))
}

func (e *Endpoint) readyFrame(f *frame, b *batch) *Error {
	e.takes.Store(true)
	e.sayReady()
	e.reply(f.id, b, nothing)
	return nil
}

// nothing is the data of a reply that only says that it is done.
func nothing(b []byte) []byte { return append(b, "{}"...) }

// send passes a message on to one worker.
func (e *Endpoint) send(f *frame, b *batch) *Error {
	m, err := e.hub.message(e.sender(), f)
	if err != nil {
		return err
	}
	to, err := e.hub.pick(Target{f.worker, f.pool, f.pick}, e, m)
	if err != nil {
		return err
	}
	id := f.id
	e.hub.deliver(m, []*Endpoint{to}, b, func(r Result) {
		d, err := r.single(to.id)
		if err != nil {
			e.fail(id, err, nil)
			return
		}
		e.reply(id, nil, d.appendTo)
	})
	return nil
}

// broadcast passes a message on to all workers of a pool, or of all pools.
func (e *Endpoint) broadcast(f *frame, b *batch) *Error { return e.spread(f, f.pool, nil, b) }

// publish passes a message on to those who subscribed to its topic.
func (e *Endpoint) publish(f *frame, b *batch) *Error {
	return e.spread(f, everyPool, subscribed(f.topic), b)
}

func subscribed(topic string) func(*Endpoint) bool {
	return func(e *Endpoint) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.topics.Match(topic)
	}
}

func (e *Endpoint) spread(f *frame, pool string, want func(*Endpoint) bool, b *batch) *Error {
	m, err := e.hub.message(e.sender(), f)
	if err != nil {
		return err
	}
	to, err := e.hub.audience(pool, m, want)
	if err != nil {
		return err
	}
	id := f.id
	e.hub.deliver(m, to, b, func(r Result) { e.reply(id, nil, r.appendTo) })
	return nil
}

// bare gives a value that no protocol knows to those of the pool who asked for it.
func (e *Endpoint) bare(line []byte, b *batch) {
	e.takes.Store(true)
	err := e.checkBare(line)
	e.hub.note(&note{verb: "bare", from: e.id, size: len(line), content: e.hub.contentOf(line)}, "", err)
	if err != nil {
		return
	}
	frame := eventFrame(event.Event{Kind: messageKind, Subject: e.id}, line)
	for _, other := range e.hub.present.Load().all {
		if other != e && other.place.pool == e.place.pool {
			other.tell(messageKind, frame, b)
		}
	}
}

// checkBare holds a bare value to what counts for a message of the type message
// to the worker's own pool.
func (e *Endpoint) checkBare(line []byte) *Error {
	m := &message{from: e.sender(), kind: messageKind, payload: payload{data: line}}
	if err := e.hub.checkKind(m.kind); err != nil {
		return err
	}
	if err := e.hub.checkPayload(m.payload, m.from, m.kind); err != nil {
		return err
	}
	return e.hub.may(m, m.from.pool)
}

// metrics takes the worker's numbers. What is not taken keeps nobody from going
// on: Report says the first time what it was, and people are told.
func (e *Endpoint) metrics(f *frame, b *batch) *Error {
	if e.hub.options.Metrics != nil {
		if err := e.hub.options.Metrics.Report(e.id, e.place.slotName(), e.place.pool, f.metrics); err != nil {
			e.hub.bus.Publish(event.Event{Kind: event.Internal, Subject: e.id, Message: err.Error()})
		}
	}
	e.reply(f.id, b, nothing)
	return nil
}

// cache runs operations of the shared cache.
func (e *Endpoint) cache(f *frame, b *batch) *Error {
	if e.hub.options.Cache == nil {
		return refuse(CodeCacheOff, "cache.enabled is false")
	}
	// Others read what this worker stores, so it may be as deep as messages are;
	// the values stand in lists of operations and of their arguments.
	if tooDeep(f.ops, e.hub.options.MaxDepth+2) {
		return refuse(CodeTooDeep, "a value is nested deeper than ipc.maxDepth, %d", e.hub.options.MaxDepth)
	}
	// The reply is written with others where it comes before Serve returns, else by whoever brings it.
	var state atomic.Int32
	const inCall, returned, replied = 0, 1, 2
	id := f.id
	e.hub.options.Cache.Serve(e.id, f.ops, func(result []byte) {
		switch {
		case id == 0:
			return
		case e.out.swamped(): // by others that came late, too, such as values it waited for
			e.fail(id, refuse(CodeQueueFull, "the operations are done, but more than %d bytes wait here to be read", 2*maxQueued), nil)
			return
		}
		e.out.put(false, func(buf []byte) []byte {
			return append(append(append(appendHead(buf, "reply", id), `,"data":`...), result...), '}')
		})
		if !state.CompareAndSwap(inCall, replied) {
			e.out.flush()
		}
	})
	if !state.CompareAndSwap(inCall, returned) {
		b.add(e)
	}
	return nil
}
