package proxy

import (
	"slices"
	"sync"
	"time"
)

// budget bounds how many requests of a pool are sent again at a time, so that
// upstreams in trouble do not get three times the load. What waits between two
// attempts counts. A request that finds it used up waits a moment for a place:
// when a worker dies, everything it had in hand fails in the same instant, and
// that is when retries are wanted most.
type budget struct {
	mu       sync.Mutex
	retrying int64
	waiting  []chan struct{}
}

const (
	minRetries = 3 // always allowed, or a pool with little traffic could not retry at all
	maxWaiting = 256
	budgetWait = 2 * time.Second
)

// take asks for a place while active requests are under way and ratio (0 to 1)
// of them may be retries. It waits for one until budgetWait has passed or
// cancel is closed. Each place that was granted is given back.
func (b *budget) take(active int64, ratio float64, cancel func() <-chan struct{}) bool {
	allowed := max(int64(float64(active)*ratio), minRetries)
	b.mu.Lock()
	if b.retrying < allowed {
		b.retrying++
		b.mu.Unlock()
		return true
	}
	if len(b.waiting) >= maxWaiting {
		b.mu.Unlock()
		return false
	}
	place := make(chan struct{})
	b.waiting = append(b.waiting, place)
	b.mu.Unlock()

	timeout := time.NewTimer(budgetWait)
	defer timeout.Stop()
	select {
	case <-place:
		return true
	case <-timeout.C:
	case <-cancel():
	}
	return b.leave(place)
}

// leave stops waiting; true when the place came at the same moment.
func (b *budget) leave(place chan struct{}) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, place); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		return false
	}
	return true
}

// give gives a place back: to the one that waits longest, if any.
func (b *budget) give() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 {
		close(b.waiting[0])
		b.waiting = slices.Delete(b.waiting, 0, 1)
		return
	}
	b.retrying--
}
