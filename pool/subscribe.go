package pool

import "sync"

// subscribers are those who follow the pool.
type subscribers struct {
	mu    sync.Mutex
	chans map[chan struct{}]struct{}
}

// Subscribe returns a channel that gets a token after each change of
// membership, state or flags, and when a draining or drained upstream becomes
// idle. Tokens coalesce: read, then look at the pool. cancel ends it; the
// channel is not closed.
func (p *Pool) Subscribe() (changed <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s := &p.subscribers
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chans == nil {
		s.chans = make(map[chan struct{}]struct{})
	}
	s.chans[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.chans, c)
	}
}

func (p *Pool) notify() {
	s := &p.subscribers
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.chans {
		select {
		case c <- struct{}{}:
		default: // one is there already
		}
	}
}
