package drover

import (
	"context"
	"io"
	"sync"
)

const (
	maxWaiting   = 4 << 20  // bytes that wait to be written before callers have to
	maxOpsBytes  = 48 << 10 // a frame of several cache operations is not longer: below the least limit of a line
	maxOpsLength = 512
)

// outbox collects what goes to drover. One goroutine writes: what comes while
// it writes goes out with its next write, many frames in one, and the cache
// operations among it as one frame. Acknowledgements count for all messages
// before, so only the last one is written.
type outbox struct {
	calls *calls

	mu      sync.Mutex
	buf     []byte
	ops     []*cacheOp
	ack     uint64 // 0: none waits
	waiting int    // bytes in buf and ops
	err     error
	closing bool

	wake chan struct{} // of the writer; holds one
	room chan struct{} // closed when what waited was taken
}

func newOutbox(c *calls) *outbox {
	return &outbox{calls: c, wake: make(chan struct{}, 1), room: make(chan struct{})}
}

// wait returns once there is room for more. Only callers wait, never the reader.
func (o *outbox) wait(ctx context.Context) error {
	for {
		o.mu.Lock()
		err, full, room := o.err, o.waiting > maxWaiting, o.room
		o.mu.Unlock()
		if err != nil {
			return err
		}
		if !full {
			return context.Cause(ctx)
		}
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// put queues a frame.
func (o *outbox) put(l line) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.buf = append(o.buf, l...)
	o.waiting += len(l)
	o.wakeLocked()
	return nil
}

// putOp queues a cache operation for the next frame of them.
func (o *outbox) putOp(op *cacheOp) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.ops = append(o.ops, op)
	o.waiting += len(op.text)
	o.wakeLocked()
	return nil
}

// acknowledge queues an acknowledgement of all messages up to seq.
func (o *outbox) acknowledge(seq uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ack = seq
	o.wakeLocked()
}

// refuse queues the refusal of a message, which acknowledges those before it.
func (o *outbox) refuse(seq uint64, err *Error) {
	text, _ := encode(err) // two strings
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ack = 0
	o.buf = append(o.buf, newLine("nack").number("seq", seq).json("error", text).end()...)
	o.wakeLocked()
}

func (o *outbox) wakeLocked() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// close lets the writer end once it has written what waits.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closing = true
	o.wakeLocked()
}

// fail ends the outbox: from now on everything is answered by the error.
func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	o.err = err
	for _, op := range o.ops {
		op.done(nil, err)
	}
	o.buf, o.ops = nil, nil
	close(o.room)
	o.wakeLocked()
}

// run writes until the outbox is closed or fails.
func (o *outbox) run(w io.Writer) error {
	var spare []byte
	for range o.wake {
		batch, more := o.take(spare)
		if len(batch) > 0 {
			if _, err := w.Write(batch); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if spare = batch[:0]; cap(spare) > 1<<20 {
			spare = nil // the memory of a burst is not kept
		}
	}
	return nil
}

// take returns what waits as one write; more is false when nothing can follow.
func (o *outbox) take(spare []byte) (batch []byte, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil, false
	}
	batch, o.buf = o.buf, spare
	batch = o.appendOpsLocked(batch)
	if o.ack != 0 {
		batch = newLineOnto(batch, "ack").number("seq", o.ack).end()
		o.ack = 0
	}
	if o.waiting > maxWaiting {
		close(o.room)
		o.room = make(chan struct{})
	}
	o.waiting = 0
	return batch, !o.closing
}

// appendOpsLocked makes frames of the cache operations. One that may wait has a
// frame of its own, since a frame is answered when its last operation is.
func (o *outbox) appendOpsLocked(b []byte) []byte {
	for ops := o.ops; len(ops) > 0; {
		n, size := 1, len(ops[0].text)
		for n < len(ops) && n < maxOpsLength && size+len(ops[n].text) <= maxOpsBytes && !ops[n-1].waits && !ops[n].waits {
			size += len(ops[n].text)
			n++
		}
		b = o.appendFrame(b, ops[:n])
		ops = ops[n:]
	}
	clear(o.ops)
	o.ops = o.ops[:0]
	return b
}

func (o *outbox) appendFrame(b []byte, ops []*cacheOp) []byte {
	group := append([]*cacheOp(nil), ops...)
	id, err := o.calls.open(func(f *frame, err error) { answerOps(group, f, err) })
	if err != nil {
		answerOps(group, nil, err)
		return b
	}
	l := newLineOnto(b, "cache").id(id).name("ops")
	for i, op := range group {
		l = append(l, separator(i))
		l = append(l, op.text...)
	}
	return append(l, ']', '}', '\n')
}

// separator is what stands before the i-th member of a list.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}
