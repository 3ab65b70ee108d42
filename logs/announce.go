package logs

import (
	"sync"
	"time"
)

// announceSeldom is how often losses are announced that go on and on.
const announceSeldom = time.Minute

// announcer gathers counts by name and hands them over after announceEvery, and
// less and less often while there are more, so that a flood of losses is not a
// flood of lines and events about them. It costs nothing while there is nothing to tell.
type announcer struct {
	announce func(map[string]uint64)

	announcing sync.Mutex // held while announce is called, so that close comes after it

	mu     sync.Mutex
	counts map[string]uint64
	timer  *time.Timer
	pause  time.Duration // before the next announcement
	told   time.Time     // when the last one was
	closed bool
}

func newAnnouncer(announce func(map[string]uint64)) *announcer {
	return &announcer{announce: announce, counts: map[string]uint64{}}
}

// note counts n under name and sees to it that it is announced.
func (a *announcer) note(name string, n uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[name] += n
	if a.timer == nil && !a.closed {
		if a.pause = min(2*a.pause, announceSeldom); time.Since(a.told) > a.pause {
			a.pause = announceEvery
		}
		a.timer = time.AfterFunc(a.pause, a.fire)
	}
}

// fire announces when it is time.
func (a *announcer) fire() { a.tell(false) }

// tell announces what there is. After close only the last word counts.
func (a *announcer) tell(last bool) {
	a.announcing.Lock()
	defer a.announcing.Unlock()
	a.mu.Lock()
	if a.closed && !last {
		a.mu.Unlock()
		return
	}
	counts := a.counts
	a.counts, a.timer, a.told = map[string]uint64{}, nil, time.Now()
	a.mu.Unlock()
	if len(counts) > 0 {
		a.announce(counts)
	}
}

// close announces what is left. Counts noted later are not announced.
func (a *announcer) close() {
	a.mu.Lock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.mu.Unlock()
	a.tell(true)
}
