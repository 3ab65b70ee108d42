package cache

import (
	"container/list"
	"fmt"
	"strings"
	"time"
)

const (
	// maxOpen is how many leases one worker may hold, and for how many it may wait.
	maxOpen = 10_000

	// maxParked is how many bytes of results may wait for leases of one worker,
	// because they stand in one frame with them, before it may wait for no more.
	maxParked = 16 << 20

	// maxMarks is how many invalidated tags are remembered for the open leases
	// of a namespace; beyond it each of these counts as older than all tags.
	maxMarks = 10_000
)

// leases are the values of one namespace that are being computed: for each a
// holder, and the line of those who wait for it. The namespace's mutex guards
// them; answers are given once it is unlocked (see wakes).
//
// A lease ends early when its key is changed or invalidated by others: what its
// holder computes may be older than that, and must not come to stand after it.
type leases struct {
	open    map[string]*lease // by id of the entry
	last    uint64            // number given
	waiting int

	// An entry that is being computed has no tags yet. So the tags that are
	// invalidated while leases are open are kept, each with its turn.
	turn   uint64
	marks  map[string]uint64
	forgot uint64 // leases granted before this turn are older than any tag
}

// lease is the right and the duty to compute one value; it passes from holder
// to holder until one sets it.
type lease struct {
	id      string // of the entry
	number  uint64
	holder  *client
	granted time.Time
	turn    uint64
	timer   *time.Timer
	line    list.List // of *waiter
}

// waiter waits for a value that somebody else computes.
type waiter struct {
	client *client
	ask    leaseRequest
	lease  *lease
	place  *list.Element // in its line; nil once it has left
	timer  *time.Timer
	told   func(outcome)
}

// leaseRequest is for how long a lease is wanted, and for how long to wait.
type leaseRequest struct{ hold, wait time.Duration }

// outcome answers a lease operation: with a value, a lease, or an error.
type outcome struct {
	value []byte
	left  int64  // milliseconds until the value expires; 0: never
	lease uint64 // 0: none
	err   *Error
}

// wakes are answers to give when no lock is held.
type wakes []func()

func (w *wakes) add(told func(outcome), o outcome) { *w = append(*w, func() { told(o) }) }

func (w wakes) run() {
	for _, tell := range w {
		tell()
	}
}

// openLocked begins a line with c as the holder.
func (ns *namespace) openLocked(id string, c *client, hold time.Duration) *lease {
	l := &lease{id: id}
	if ns.leases.open == nil {
		ns.leases.open = make(map[string]*lease)
	}
	ns.leases.open[id] = l
	ns.grantLocked(l, c, hold)
	return l
}

// grantLocked makes c the holder.
func (ns *namespace) grantLocked(l *lease, c *client, hold time.Duration) {
	ns.leases.last++
	number := ns.leases.last
	l.number, l.holder, l.granted, l.turn = number, c, time.Now(), ns.leases.turn
	l.timer = time.AfterFunc(hold, func() { ns.expire(l, number) })
	c.held.Add(1)
}

// ungrantLocked ends the holder's lease; the line is as it was.
func (ns *namespace) ungrantLocked(l *lease) {
	l.timer.Stop()
	l.holder.held.Add(-1)
	l.holder = nil
}

// closeLocked ends a line that nobody stands in.
func (ns *namespace) closeLocked(l *lease) {
	delete(ns.leases.open, l.id)
	if len(ns.leases.open) == 0 {
		ns.leases.marks = nil
	}
}

// waitLocked puts c in the line.
func (ns *namespace) waitLocked(l *lease, c *client, ask leaseRequest, told func(outcome)) {
	w := &waiter{client: c, ask: ask, lease: l, told: told}
	w.place = l.line.PushBack(w)
	w.timer = time.AfterFunc(ask.wait, func() { ns.giveUp(w) })
	ns.leases.waiting++
	c.waiting.Add(1)
}

// leaveLocked takes w out of its line.
func (ns *namespace) leaveLocked(w *waiter) {
	w.timer.Stop()
	w.lease.line.Remove(w.place)
	w.place = nil
	ns.leases.waiting--
	w.client.waiting.Add(-1)
}

// giveUp ends the waiting of w when its time is over.
func (ns *namespace) giveUp(w *waiter) {
	ns.mu.Lock()
	inLine := w.place != nil
	if inLine {
		ns.leaveLocked(w)
	}
	ns.mu.Unlock()
	if inLine {
		w.told(outcome{err: errWaited})
	}
}

// expire ends the lease with that number when its time is over.
func (ns *namespace) expire(l *lease, number uint64) {
	var woken wakes
	ns.mu.Lock()
	if ns.leases.open[l.id] == l && l.number == number {
		ns.passOnLocked(l, &woken)
	}
	ns.mu.Unlock()
	woken.run()
}

// passOnLocked ends the holder's lease without a value: the next in the line gets one.
func (ns *namespace) passOnLocked(l *lease, woken *wakes) {
	ns.ungrantLocked(l)
	ns.lostLoads.Add(1)
	for place := l.line.Front(); place != nil; place = l.line.Front() {
		w := place.Value.(*waiter)
		ns.leaveLocked(w)
		if w.client.gone.Load() {
			woken.add(w.told, outcome{err: errGone})
			continue
		}
		ns.grantLocked(l, w.client, w.ask.hold)
		woken.add(w.told, outcome{lease: l.number})
		return
	}
	ns.closeLocked(l)
}

// settleLocked ends the lease with a value: all in the line get it.
func (ns *namespace) settleLocked(l *lease, e *entry, now int64, woken *wakes) {
	ns.ungrantLocked(l)
	for place := l.line.Front(); place != nil; place = l.line.Front() {
		w := place.Value.(*waiter)
		ns.leaveLocked(w)
		ns.sharedLoads.Add(1)
		woken.add(w.told, outcome{value: e.value, left: e.left(now)})
	}
	ns.closeLocked(l)
}

// lease returns the value of a key, or a lease to compute it; or false, where
// it has called later, and is going to call what that returned.
func (s *Store) lease(ns *namespace, key []byte, c *client, ask leaseRequest, space *[]byte, later func() func(outcome)) (outcome, bool) {
	if e, now := s.get(ns, key, space); e != nil {
		return outcome{value: e.value, left: e.left(now)}, true
	}
	id := ns.id(key)
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if e, now := s.find(id); e != nil { // set since
		return outcome{value: e.value, left: e.left(now)}, true
	}
	l := ns.leases.open[id]
	switch {
	case c.gone.Load():
		return outcome{err: errGone}, true
	case l == nil && c.held.Load() >= maxOpen, l != nil && c.waiting.Load() >= maxOpen:
		return outcome{err: &Error{CodeTooManyRequests, fmt.Sprintf("a worker holds, and waits for, %d leases at most", maxOpen)}}, true
	case l != nil && c.parked.Load() >= maxParked:
		return outcome{err: &Error{CodeTooManyRequests, fmt.Sprintf("more than %d bytes of results wait for leases in the same frames", maxParked)}}, true
	case l == nil:
		return outcome{lease: ns.openLocked(id, c, ask.hold).number}, true
	case ask.wait <= 0:
		return outcome{err: errWaited}, true
	}
	ns.waitLocked(l, c, ask, later())
	return outcome{}, false
}

// release ends a lease whose holder could not compute the value.
func (s *Store) release(ns *namespace, key []byte, c *client, number uint64) *Error {
	var woken wakes
	defer func() { woken.run() }()
	ns.mu.Lock()
	defer ns.mu.Unlock()
	l := ns.leases.open[ns.id(key)]
	if l == nil || l.number != number || l.holder != c {
		return errLeaseLost
	}
	ns.passOnLocked(l, &woken)
	return nil
}

// revokePrefixLocked ends the leases on keys that were invalidated by their prefix.
func (ns *namespace) revokePrefixLocked(begin string, woken *wakes) {
	for id, l := range ns.leases.open {
		if strings.HasPrefix(id, begin) {
			ns.passOnLocked(l, woken)
		}
	}
}

// revokeLocked ends a lease on id, if there is one, because the entry was invalidated.
func (ns *namespace) revokeLocked(id string, woken *wakes) {
	if l := ns.leases.open[id]; l != nil {
		ns.passOnLocked(l, woken)
	}
}

// markLocked notes for the open leases that a tag was invalidated.
func (ls *leases) markLocked(tag string) {
	if len(ls.open) == 0 {
		return
	}
	ls.turn++
	if len(ls.marks) >= maxMarks {
		ls.marks, ls.forgot = nil, ls.turn
		return
	}
	if ls.marks == nil {
		ls.marks = make(map[string]uint64)
	}
	ls.marks[tag] = ls.turn
}

// staleLocked tells whether one of the tags was invalidated since the lease was granted.
func (ls *leases) staleLocked(l *lease, tags []string) bool {
	for _, tag := range tags {
		if ls.marks[tag] > l.turn {
			return true
		}
	}
	return len(tags) > 0 && ls.forgot > l.turn
}

// leave ends what a worker that is gone holds and waits for.
func (ns *namespace) leave(c *client) {
	var woken wakes
	ns.mu.Lock()
	for _, l := range ns.leases.open {
		for place := l.line.Front(); place != nil; {
			w := place.Value.(*waiter)
			place = place.Next()
			if w.client == c {
				ns.leaveLocked(w)
				woken.add(w.told, outcome{err: errGone})
			}
		}
		if l.holder == c {
			ns.passOnLocked(l, &woken)
		}
	}
	ns.mu.Unlock()
	woken.run()
}

var (
	errGone   = &Error{CodeWorkerGone, "the worker has ended"}
	errWaited = &Error{CodeTimeout, "the worker that computes the value has not set it in time"}
)
