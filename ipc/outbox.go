package ipc

import (
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/nonblock"
)

// maxQueued bounds what waits for one worker, in bytes.
const maxQueued = 16 << 20

// conn is a socket that frames are written to.
type conn interface {
	SyscallConn() (syscall.RawConn, error)
}

// outbox holds the frames for one worker that its socket has not taken yet.
// Whoever puts a frame in tries to write at once, without ever waiting; what
// the socket does not take is written by a goroutine that lives as long as
// something waits. All methods may be called concurrently.
type outbox struct {
	limit int // frames

	mu      sync.Mutex
	drained sync.Cond // signalled when something was written, and at the end
	raw     syscall.RawConn
	pending []byte // pending[head:] is to be written
	head    int
	ends    []int           // of the frames in pending
	waiter  syscall.RawConn // the socket that a goroutine waits for; nil: none
	closed  bool            // the socket failed
	sealed  bool            // there will be no other
}

func newOutbox(limit int) *outbox {
	o := &outbox{limit: limit}
	o.drained.L = &o.mu
	return o
}

// use makes c the socket. What was not written to the old one goes to the new
// one from the first frame on that was not begun.
func (o *outbox) use(c conn) {
	raw, err := c.SyscallConn()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sealed {
		return
	}
	if err != nil {
		o.end()
		return
	}
	o.dropBegun()
	o.raw, o.closed = raw, false
}

// close ends the box for good.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sealed = true
	o.end()
}

// dropBegun forgets the rest of a frame of which a part was written.
func (o *outbox) dropBegun() {
	begin := 0
	for i, end := range o.ends {
		if o.head == begin {
			return
		}
		if o.head < end {
			o.head, o.ends = end, o.ends[i+1:]
			return
		}
		begin = end
	}
}

// put adds a frame, made by write on the end of the bytes it is given, without
// its line end. A bounded one is refused (false) when the box is full; a closed
// box refuses all.
func (o *outbox) put(bounded bool, write func([]byte) []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || bounded && o.fullLocked() {
		return false
	}
	o.pending = append(write(o.pending), '\n')
	o.ends = append(o.ends, len(o.pending))
	return true
}

func (o *outbox) fullLocked() bool {
	return len(o.ends) >= o.limit || len(o.pending)-o.head >= maxQueued
}

// flush writes what the socket takes now and leaves the rest to the goroutine.
func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.raw == nil || o.raw == o.waiter || o.head == len(o.pending) {
		return
	}
	var err error
	raw := o.raw
	if e := raw.Control(func(fd uintptr) { err = o.writeLocked(int(fd)) }); e != nil {
		err = e
	}
	switch {
	case errors.Is(err, unix.EAGAIN):
		o.waiter = raw
		go o.wait(raw)
	case err != nil:
		o.end()
	}
}

// wait writes the rest as the socket takes it.
func (o *outbox) wait(raw syscall.RawConn) {
	var err error
	e := raw.Write(func(fd uintptr) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.raw != raw {
			return true
		}
		err = o.writeLocked(int(fd))
		return !errors.Is(err, unix.EAGAIN)
	})
	o.mu.Lock()
	if o.waiter == raw {
		o.waiter = nil
	}
	if o.raw == raw && (err != nil || e != nil) {
		o.end()
	}
	o.mu.Unlock()
	o.flush() // what came since, or the new socket
}

// writeLocked writes until all is written or the socket takes no more.
func (o *outbox) writeLocked(fd int) error {
	for o.head < len(o.pending) {
		n, err := nonblock.Write(fd, o.pending[o.head:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		o.advance(n)
	}
	return nil
}

// advance notes that n more bytes were written.
func (o *outbox) advance(n int) {
	if o.head += n; o.head < len(o.pending) {
		done := 0
		for done < len(o.ends) && o.ends[done] <= o.head {
			done++
		}
		o.ends = o.ends[done:]
		o.compact()
		o.drained.Broadcast()
		return
	}
	o.head, o.ends = 0, o.ends[:0]
	if o.pending = o.pending[:0]; cap(o.pending) > 1<<20 {
		o.pending = nil // it has served a flood
	}
	o.drained.Broadcast()
}

// compact gives back what was written of a long queue.
func (o *outbox) compact() {
	if o.head < 64<<10 || o.head < len(o.pending)/2 {
		return
	}
	o.pending = o.pending[:copy(o.pending, o.pending[o.head:])]
	for i := range o.ends {
		o.ends[i] -= o.head
	}
	o.head = 0
}

// end forgets everything and lets nothing in any more.
func (o *outbox) end() {
	o.closed, o.raw, o.pending, o.head, o.ends = true, nil, nil, 0, nil
	o.drained.Broadcast()
}

// flooded says whether more waits than others alone could have put here: the
// worker does not read the replies to what it sends.
func (o *outbox) flooded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.floodedLocked()
}

func (o *outbox) floodedLocked() bool {
	return !o.closed && (len(o.ends) >= 2*o.limit || len(o.pending)-o.head >= 2*maxQueued)
}

// swamped says whether so many bytes wait that nothing long may come on top.
func (o *outbox) swamped() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.closed && len(o.pending)-o.head >= 2*maxQueued
}

// waitEbb returns when the box is not flooded any more, or closed.
func (o *outbox) waitEbb() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.floodedLocked() {
		o.drained.Wait()
	}
}

// broken says whether the socket has failed, so that nothing can be put in.
func (o *outbox) broken() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// noRoom says why a frame found no place in the worker's box: nobody is there
// any more, though the end of its channel was not read yet, or it does not read.
func (e *Endpoint) noRoom() *Error {
	if e.out.broken() {
		return refuse(CodeWorkerGone, "worker %s ended", e.id)
	}
	return refuse(CodeQueueFull, "worker %s does not read: %d frames wait for it", e.id, e.hub.options.QueueLength)
}
