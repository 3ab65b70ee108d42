package proxy

import "sync"

// crewSize is how many goroutines that have nothing to do are kept. Each holds the
// stack that it has grown, 8 to 16 KB.
const crewSize = 128

// job is what a goroutine is wanted for.
type job interface{ run() }

// crew lends goroutines to connections. One that has served a connection has a
// stack of the right size; a new one grows its own step by step, which is a
// twentieth of what a connection with one request costs.
type crew struct {
	mu     sync.Mutex
	idle   []chan job
	closed bool
	hands  sync.WaitGroup
}

// do has j done by a goroutine of its own.
func (w *crew) do(j job) {
	if hand := w.wake(); hand != nil {
		hand <- j
		return
	}
	w.hands.Go(func() { w.work(j) })
}

// wake takes the idle goroutine that was used last; nil when there is none.
func (w *crew) wake() chan job {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.idle) - 1
	if last < 0 {
		return nil
	}
	hand := w.idle[last]
	w.idle = w.idle[:last]
	return hand
}

// work does j, and then what comes, until there are enough idle ones.
func (w *crew) work(j job) {
	hand := make(chan job, 1)
	for j != nil {
		j.run()
		if !w.rest(hand) {
			return
		}
		j = <-hand
	}
}

// rest puts a goroutine among the idle ones, where there is room.
func (w *crew) rest(hand chan job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.idle) >= crewSize {
		return false
	}
	w.idle = append(w.idle, hand)
	return true
}

// dismiss ends the goroutines. Each job must be done, or end soon.
func (w *crew) dismiss() {
	w.mu.Lock()
	for _, hand := range w.idle {
		close(hand)
	}
	w.idle, w.closed = nil, true
	w.mu.Unlock()
	w.hands.Wait()
}
