package pool

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// queueTick is how often a queue that is not empty looks at the pool again. It
// is a net under the wake-ups: one that was handed to a request which then did
// not use it (its client left) costs a tick, not the queue's whole timeout.
const queueTick = 50 * time.Millisecond

// queue is where requests wait when no upstream can take one. They leave in
// the order of their deadlines, which is the order in which they came, so that
// one that was woken in vain does not lose its place.
type queue struct {
	pool    *Pool
	waiting atomic.Int32 // inside Wait; raised before the pool is looked at, so that whoever changes it later sees it
	length  atomic.Int64 // how many may wait

	mu      sync.Mutex
	waiters list.List // of *waiter, earliest deadline first
	tick    *time.Timer
}

// waiter is one request in the queue. It is out of the list once ready is closed.
type waiter struct {
	since    time.Time
	deadline time.Time
	ready    chan struct{}
	err      error // written before ready is closed
	place    *list.Element
}

// Wait queues until an upstream may be available, and returns nil when it is
// worth picking again, among all upstreams: also those that were tried before.
// It returns nil at once when one would be admitted now.
//
// ErrNoUpstream comes at once when none is eligible and none is expected
// (where workers have been eligible until a moment ago, after a tick or two:
// their supervisor may be about to say that others come), and ErrBreakerOpen
// when breakers refuse on all that are eligible: neither is waited for. When the eligible ones are saturated, or a worker is expected,
// it waits, and returns ErrQueueFull, ErrQueueTimeout when the deadline has
// passed, or context.Canceled when cancel (which may be nil) was closed.
//
// The deadline is that of the request and the same in all its calls. Requests
// with a later one do not overtake inside the queue; a new request that finds
// an upstream free at its first pick does.
func (p *Pool) Wait(deadline time.Time, cancel <-chan struct{}) error {
	q := &p.queue
	q.waiting.Add(1)
	defer q.waiting.Add(-1)
	w, err := q.join(deadline)
	if w == nil {
		return err
	}
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	select {
	case <-w.ready:
		return w.err
	case <-timeout.C:
		return q.leave(w, ErrQueueTimeout)
	case <-cancel:
		return q.leave(w, context.Canceled)
	}
}

// QueueLength returns how many requests wait.
func (p *Pool) QueueLength() int {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	return p.queue.waiters.Len()
}

// QueueWait returns how long the request whose turn is next has waited by now,
// 0 when none waits.
func (p *Pool) QueueWait(now time.Time) time.Duration {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	first := p.queue.waiters.Front()
	if first == nil {
		return 0
	}
	return max(now.Sub(first.Value.(*waiter).since), 0)
}

// Full reports whether a request that has not waited yet would be refused with
// ErrQueueFull. It costs one load while there is room.
func (p *Pool) Full() bool {
	q := &p.queue
	if n := q.waiting.Load(); n == 0 || int64(n) < q.length.Load() {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if int64(q.waiters.Len()) < q.length.Load() {
		return false // the others are on their way out
	}
	wait, _ := p.outlook()
	return wait
}

func (q *queue) resize(length int) { q.length.Store(int64(length)) }

// join puts a request into the queue, or says why it need not or may not wait.
func (q *queue) join(deadline time.Time) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if wait, err := q.pool.outlook(); !wait {
		return nil, err
	}
	now := time.Now()
	if !now.Before(deadline) {
		return nil, ErrQueueTimeout
	}
	after := q.waiters.Back()
	for after != nil && deadline.Before(after.Value.(*waiter).deadline) {
		after = after.Prev()
	}
	// One that is older than the newest was in the queue before: it is not refused now.
	if int64(q.waiters.Len()) >= q.length.Load() && after == q.waiters.Back() {
		return nil, ErrQueueFull
	}
	w := &waiter{since: now, deadline: deadline, ready: make(chan struct{})}
	if after == nil {
		w.place = q.waiters.PushFront(w)
	} else {
		w.place = q.waiters.InsertAfter(w, after)
	}
	if q.tick == nil {
		q.tick = time.AfterFunc(queueTick, q.look)
	}
	return w, nil
}

// leave takes a request out before its turn. When its turn came at the same
// moment it takes it, or hands it on when nobody is there any more to use it.
func (q *queue) leave(w *waiter, reason error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place != nil {
		q.waiters.Remove(w.place)
		return reason
	}
	if reason == ErrQueueTimeout || w.err != nil { //nolint:errorlint // our own two reasons, never wrapped
		return w.err
	}
	q.wakeLocked(1)
	return reason
}

// released is called when a request has left u while others wait.
func (q *queue) released(u *Upstream) {
	if u.Admission() != Admitted {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wakeLocked(1)
}

// recheck is called after the pool has changed.
func (q *queue) recheck() {
	if q.waiting.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.recheckLocked()
}

// look is the queue's tick.
func (q *queue) look() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.recheckLocked()
	if q.waiters.Len() == 0 {
		q.tick = nil
		return
	}
	q.tick.Reset(queueTick)
}

func (q *queue) recheckLocked() {
	if q.waiters.Len() == 0 {
		return
	}
	switch wait, err := q.pool.outlook(); {
	case wait:
	case err != nil:
		for q.waiters.Len() > 0 {
			q.endLocked(q.waiters.Front(), err)
		}
	default:
		q.wakeLocked(q.pool.room(q.waiters.Len()))
	}
}

// wakeLocked lets the first n go and pick.
func (q *queue) wakeLocked(n int) {
	for ; n > 0 && q.waiters.Len() > 0; n-- {
		q.endLocked(q.waiters.Front(), nil)
	}
}

func (q *queue) endLocked(place *list.Element, err error) {
	w := q.waiters.Remove(place).(*waiter)
	w.place, w.err = nil, err
	close(w.ready)
}
