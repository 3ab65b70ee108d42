package exchange

import (
	"sync"
	"time"
)

// sweepEvery is how often idle connections are looked over.
const sweepEvery = time.Second

// idler is what the stack needs of a connection.
type idler interface {
	comparable
	// idleSince is when it was last used, on the stack's clock.
	idleSince() time.Duration
	// quiet reports whether the upstream still holds the connection and sent
	// nothing on it.
	quiet() bool
	close()
}

// idleStack holds the connections that are not in use, the last one used on
// top, so that few are in use and the others grow old together. A timer that
// runs only while there are any closes the old ones.
type idleStack[C idler] struct {
	clock
	keep keepAlive
	max  int

	mu     sync.Mutex
	conns  []C // oldest first
	closed bool
	timer  *time.Timer
	// watched is kept past its time, unused, to learn how long the upstream
	// holds a connection.
	watched C
	seen    time.Duration // when one was last found closed while watched, 0 never
}

// push keeps c, or closes it when there is no room or the client was closed.
func (s *idleStack[C]) push(c C) {
	var extra, none C
	s.mu.Lock()
	switch {
	case s.closed:
		extra = c
	case len(s.conns) >= s.max:
		extra = s.conns[0]
		copy(s.conns, s.conns[1:])
		s.conns[len(s.conns)-1] = c
	default:
		s.conns = append(s.conns, c)
	}
	if s.timer == nil && !s.closed {
		s.timer = time.AfterFunc(sweepEvery, s.sweep)
	}
	s.mu.Unlock()
	if extra != none {
		extra.close()
	}
}

// pop takes the connection used last. One that is too old is not given, nor
// are those below it, which are older; the sweep closes them.
func (s *idleStack[C]) pop(now time.Duration) (c C, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := len(s.conns) - 1
	if k < 0 || now-s.conns[k].idleSince() > s.keep.idle() {
		return c, false
	}
	var none C
	c, s.conns[k] = s.conns[k], none
	s.conns = s.conns[:k]
	return c, true
}

// sweep closes what is too old, looks at the watched connection, and runs
// again while there is anything left.
func (s *idleStack[C]) sweep() {
	now := s.now()
	old, watched := s.takeOld(now)
	for _, c := range old {
		c.close()
	}
	var none C
	if watched != none {
		s.watch(watched, now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	if !s.closed && (len(s.conns) > 0 || s.watched != none) {
		s.timer = time.AfterFunc(sweepEvery, s.sweep)
	}
}

// takeOld takes the connections that are too old off the stack, and the
// watched one; the youngest of the old may become the watched one.
func (s *idleStack[C]) takeOld(now time.Duration) (old []C, watched C) {
	var none C
	s.mu.Lock()
	defer s.mu.Unlock()
	k := 0
	for k < len(s.conns) && now-s.conns[k].idleSince() > s.keep.idle() {
		k++
	}
	old = append(old, s.conns[:k]...)
	n := copy(s.conns, s.conns[k:])
	clear(s.conns[n:])
	s.conns = s.conns[:n]
	watched, s.watched = s.watched, none
	if watched == none && k > 0 && s.keep.curious() && (s.seen == 0 || now-s.seen > 10*maxIdle) {
		watched = old[k-1]
		old = old[:k-1]
	}
	return old, watched
}

// watch learns from c, which nobody else has, and keeps it while there is
// more to learn.
func (s *idleStack[C]) watch(c C, now time.Duration) {
	age := now - c.idleSince()
	quiet := c.quiet()
	if quiet {
		s.keep.held(age)
	}
	s.mu.Lock()
	if !quiet {
		s.seen = now
	}
	keep := quiet && !s.closed && s.keep.curious()
	if keep {
		s.watched = c
	}
	s.mu.Unlock()
	if !keep {
		c.close()
	}
}

// close closes all connections and every one that is pushed later.
func (s *idleStack[C]) close() {
	var none C
	s.mu.Lock()
	conns, watched := s.conns, s.watched
	s.conns, s.watched, s.closed = nil, none, true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	if watched != none {
		watched.close()
	}
}
