package supervisor

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// maxStolen is how many stolen ports a roll survives.
const maxStolen = 3

// Roll is a rolling restart: each worker is replaced by a new one that is ready
// before the old one drains (or, without surge, after). Its methods may be
// called concurrently.
type Roll struct {
	ID      string // unique in the life of drover
	Pool    string
	Reason  Reason // roll or reload
	Started time.Time

	settings *settings
	stolen   int
	done     chan struct{}
	err      error // written before done is closed
}

// Done is closed when the roll has ended.
func (r *Roll) Done() <-chan struct{} { return r.done }

// Err returns nil while the roll goes on and after it succeeded. Otherwise it is
// ErrRolledBack with the reason when a new worker did not become ready,
// ErrStopping, or ErrNotPossible when newer settings took its place.
func (r *Roll) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Restart begins a rolling restart of all workers. Slots that an operator
// stopped, that ended or failed are started again.
func (s *Supervisor) Restart() (*Roll, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
		return nil, fmt.Errorf("restart pool %s: %w", s.pool.Name(), ErrStopping)
	case s.roll != nil:
		return nil, fmt.Errorf("restart pool %s: %w", s.pool.Name(), ErrRollInProgress)
	}
	return s.beginRollLocked(ReasonRoll), nil
}

// Reconfigure applies settings. With roll, what workers are started with has
// changed: they are replaced by a rolling restart, which takes the place of one
// in progress; should it be abandoned, workers are started with the settings
// before until the next one. Everything else takes effect at once. The Roll is
// nil when there is none.
func (s *Supervisor) Reconfigure(cfg *config.Pool, drain time.Duration, roll bool) (*Roll, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, fmt.Errorf("change the settings of pool %s: %w", s.pool.Name(), ErrStopping)
	}
	before, old := s.wantedLocked(), s.cfg
	s.cfg, s.drain = cfg, drain
	s.liveness.configure(cfg.HealthCheck)
	for _, sl := range s.slots {
		if sl.policy != nil {
			sl.policy.Configure(cfg.ProcessManagement)
		}
	}
	s.rescaleLocked(old, before)
	s.wake()
	if roll {
		if s.roll != nil {
			s.endRollLocked(fmt.Errorf("%w: newer settings took its place", ErrNotPossible))
		}
		return s.beginRollLocked(ReasonReload), nil
	}
	// What workers are started with is the same as in the settings before.
	if s.good.cfg == old {
		s.good.cfg = cfg
	}
	if s.roll != nil && s.roll.settings.cfg == old {
		s.roll.settings.cfg = cfg
	}
	return nil, nil
}

func (s *Supervisor) beginRollLocked(why Reason) *Roll {
	s.rolls++
	s.roll = &Roll{ID: fmt.Sprintf("roll-%s-%d", s.pool.Name(), s.rolls), Pool: s.pool.Name(), Reason: why, Started: time.Now(),
		settings: &settings{s.cfg}, done: make(chan struct{})}
	for _, sl := range s.slots {
		sl.forgive()
	}
	s.publish(event.RollStarted, s.pool.Name(), fmt.Sprintf("rolling restart of pool %s begins (%s)", s.pool.Name(), why), map[string]any{"id": s.roll.ID})
	s.wake()
	return s.roll
}

// finishRollLocked ends a roll when every slot serves with its new worker and
// the old ones are gone.
func (s *Supervisor) finishRollLocked() {
	if s.roll == nil {
		return
	}
	for _, sl := range s.slots {
		if sl.retiring || sl.held || sl.ended {
			continue
		}
		if !sl.current.running() || sl.current.settings != s.roll.settings || sl.next != nil || sl.last != nil {
			return
		}
	}
	s.good = s.roll.settings
	s.publish(event.RollFinished, s.pool.Name(), fmt.Sprintf("rolling restart of pool %s has ended", s.pool.Name()), map[string]any{"id": s.roll.ID})
	s.endRollLocked(nil)
}

// endRollLocked closes the roll. Old workers that it has not reached stay.
func (s *Supervisor) endRollLocked(err error) {
	s.roll.err = err
	close(s.roll.done)
	s.roll = nil
	s.moved = true
}

// abandonRollLocked ends a roll one of whose new workers did not become ready.
// The old workers keep serving; a slot that has none gets one with the settings
// that worked before.
func (s *Supervisor) abandonRollLocked(why error, id string, now time.Time) {
	failed := s.roll
	s.publish(event.RollFailed, s.pool.Name(),
		fmt.Sprintf("rolling restart of pool %s is abandoned, the old workers keep serving: the new worker %s did not become ready: %v", s.pool.Name(), id, why),
		map[string]any{"id": failed.ID})
	s.endRollLocked(fmt.Errorf("%w: the new worker %s did not become ready: %w", ErrRolledBack, id, why))
	for _, sl := range s.slots {
		if w := sl.next; w != nil && w.state == Starting {
			s.leaveLocked(sl, w, ReasonRollback, now)
		}
		w := sl.current
		if w != nil && w.state == Starting && w.settings == failed.settings && failed.settings.cfg != s.good.cfg {
			s.leaveLocked(sl, w, ReasonRollback, now)
		}
	}
}
