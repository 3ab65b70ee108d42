package logs

import (
	"sync"
	"time"
)

// announcer gathers counts by name and hands them over at most once per announceEvery,
// so that a flood of losses is not a flood of lines about them. It costs nothing
// while there is nothing to tell.
type announcer struct {
	announce func(map[string]uint64)

	announcing sync.Mutex // held while announce is called, so that close comes after it

	mu     sync.Mutex
	counts map[string]uint64
	timer  *time.Timer
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
		a.timer = time.AfterFunc(announceEvery, a.fire)
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
	a.counts, a.timer = map[string]uint64{}, nil
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
