package supervisor

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// crashLoop is how many tries in a row every slot must have failed for requests
// not to wait any longer, and triesUntilHopeless for the pool to be given up
// when none was ever ready.
const (
	crashLoop          = 2
	triesUntilHopeless = 3
)

// reportLocked tells the pool whether to let requests wait, and people when the
// pool becomes degraded or is well again.
func (s *Supervisor) reportLocked(now time.Time) {
	if on := s.expectingLocked(now); on != s.expected {
		s.expected = on
		s.pool.SetExpecting(on)
	}
	failed := s.failedLocked()
	if degraded := failed > 0 && !s.stopping; degraded != s.degraded {
		s.degraded = degraded
		if degraded {
			s.publish(event.PoolDegraded, s.pool.Name(), fmt.Sprintf("pool %s is degraded: %d of %d slots failed", s.pool.Name(), failed, s.wantedLocked()), nil)
		} else if !s.stopping {
			s.publish(event.PoolRecovered, s.pool.Name(), fmt.Sprintf("pool %s is no longer degraded", s.pool.Name()), nil)
		}
	}
}

// expectingLocked reports whether a worker is starting, or will be within the
// time a request may wait, and whether there is hope that it becomes ready.
func (s *Supervisor) expectingLocked(now time.Time) bool {
	soon, hope := false, false
	patience := s.cfg.Queue.Timeout.Std()
	for _, sl := range s.slots {
		if _, ends := s.endsLocked(sl); ends || sl.ended {
			continue
		}
		hope = hope || sl.failures < crashLoop
		w := sl.current
		switch {
		case w == nil || w.state == Starting || w.state == Draining || w.state == Stopping || sl.next != nil:
			soon = true
		case w.state == Backoff || w.state == Failed:
			soon = soon || w.retryAt.Sub(now) <= patience
		case w.state == Running && w.up == nil: // ended; what it left behind is being cleared away
			soon = true
		}
	}
	return soon && hope
}

func (s *Supervisor) failedLocked() int {
	n := 0
	for _, sl := range s.slots {
		if sl.failed {
			n++
		}
	}
	return n
}

// EverReady reports whether some worker was ready since Run began.
func (s *Supervisor) EverReady() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

// Ready returns how many slots have a worker that is ready and healthy.
func (s *Supervisor) Ready() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readyLocked()
}

func (s *Supervisor) readyLocked() int {
	n := 0
	for _, sl := range s.slots {
		if w := sl.current; w.running() && w.up != nil && w.up.State() == pool.Healthy {
			n++
		}
	}
	return n
}

// Degraded reports whether fewer workers are ready than wanted, or a slot failed.
func (s *Supervisor) Degraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failedLocked() > 0 || s.readyLocked() < s.wantedLocked()
}

// Hopeless reports whether no worker was ever ready and every slot has ended
// three times or had its startTimeout; the reason is what became of the last
// one. A pool that wants no workers is not hopeless.
func (s *Supervisor) Hopeless() (hopeless bool, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready || s.stopping || len(s.slots) == 0 {
		return false, ""
	}
	n := 0
	for _, sl := range s.slots {
		if sl.retiring || sl.held {
			continue
		}
		n++
		if sl.exits < triesUntilHopeless && !sl.timedOut && !sl.ended {
			return false, ""
		}
		reason = sl.lastWords
		if w := sl.current; w != nil && w.reason == ReasonStartTimeout {
			reason = fmt.Sprintf("worker %s was not ready within %s: %s", w.id, s.cfg.ProcessManagement.StartTimeout.Std(), w.message)
		}
	}
	if n == 0 {
		return false, ""
	}
	return true, reason
}

// Cut returns how many workers had to be killed, because they did not end in the
// time they had, after Run's context was done.
func (s *Supervisor) Cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

// Restarts returns how often workers were restarted since Run began, by the
// reason why the one before left.
func (s *Supervisor) Restarts() map[Reason]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[Reason]uint64, len(s.restarts))
	for why, n := range s.restarts {
		out[why] = n
	}
	return out
}
