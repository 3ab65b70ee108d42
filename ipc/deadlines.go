package ipc

import (
	"container/heap"
	"sync"
	"time"
)

// deadlines ends what takes too long, all of it by one timer. Nearly nothing
// does: what is done in time comes and goes without the timer being touched.
// (Each new timer of the runtime wakes a thread, which at a low rate costs more
// than the message that it is for.) The zero value is ready for use, by many at
// the same time.
type deadlines struct {
	mu    sync.Mutex
	open  byTime
	timer *time.Timer
	rings time.Time // when the timer does; zero: it does not
}

// deadline is one thing's. It can be added once.
type deadline struct {
	at     time.Time
	place  int // in the heap, from 1; 0: not there
	expire func()
}

// add has expire called at the time, unless the deadline is dropped before.
func (d *deadlines) add(x *deadline, at time.Time, expire func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x.at, x.expire = at, expire
	heap.Push(&d.open, x)
	if d.rings.IsZero() || at.Before(d.rings) {
		d.wind(at)
	}
}

// drop forgets a deadline, if it was added and has not passed.
func (d *deadlines) drop(x *deadline) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x.place > 0 {
		heap.Remove(&d.open, x.place-1)
	}
}

// wind sets the timer.
func (d *deadlines) wind(at time.Time) {
	d.rings = at
	if d.timer == nil {
		d.timer = time.AfterFunc(time.Until(at), d.ring)
		return
	}
	d.timer.Reset(time.Until(at))
}

// ring ends what is due.
func (d *deadlines) ring() {
	d.mu.Lock()
	var due []*deadline
	for now := time.Now(); len(d.open) > 0 && !d.open[0].at.After(now); {
		due = append(due, heap.Pop(&d.open).(*deadline))
	}
	d.rings = time.Time{}
	if len(d.open) > 0 {
		d.wind(d.open[0].at)
	}
	d.mu.Unlock()
	for _, x := range due {
		x.expire()
	}
}

// stop ends the timer.
func (d *deadlines) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
}

// byTime is a heap, the earliest first.
type byTime []*deadline

func (b byTime) Len() int { return len(b) }

func (b byTime) Less(i, j int) bool { return b[i].at.Before(b[j].at) }

func (b byTime) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].place, b[j].place = i+1, j+1
}

func (b *byTime) Push(x any) {
	d := x.(*deadline)
	d.place = len(*b) + 1
	*b = append(*b, d)
}

func (b *byTime) Pop() any {
	all := *b
	last := all[len(all)-1]
	all[len(all)-1] = nil
	*b = all[:len(all)-1]
	last.place = 0
	return last
}
