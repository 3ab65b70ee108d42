package supervisor

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/drover-proxy/drover/event"
)

// Size returns how many workers are wanted.
func (s *Supervisor) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wantedLocked()
}

// Scale sets how many workers are wanted, 0 to MaxWorkers, until ScaleAuto or
// until the settings name another number. It returns at once.
func (s *Supervisor) Scale(n int) error {
	if n < 0 || n > MaxWorkers {
		return fmt.Errorf("scale pool %s to %d workers: choose 0 to %d", s.pool.Name(), n, MaxWorkers)
	}
	return s.scale(n)
}

// Scaled reports whether Scale said how many workers are wanted, not the settings.
func (s *Supervisor) Scaled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scaled >= 0
}

// ScaleAuto returns to the number of workers in the settings.
func (s *Supervisor) ScaleAuto() error { return s.scale(-1) }

func (s *Supervisor) scale(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return fmt.Errorf("scale pool %s: %w", s.pool.Name(), ErrStopping)
	}
	before := s.wantedLocked()
	s.scaled = n
	s.sayScaledLocked(before)
	s.wake()
	return nil
}

func (s *Supervisor) sayScaledLocked(before int) {
	if after := s.wantedLocked(); after != before {
		s.publish(event.PoolScaled, s.pool.Name(), fmt.Sprintf("pool %s goes from %d to %d workers", s.pool.Name(), before, after),
			map[string]any{"from": before, "to": after})
	}
}

func (s *Supervisor) wantedLocked() int {
	if s.scaled >= 0 {
		return s.scaled
	}
	return min(s.cfg.Workers.Resolve(), MaxWorkers)
}

// resizeLocked makes as many slots active as workers are wanted.
func (s *Supervisor) resizeLocked() {
	wanted := s.wantedLocked()
	active := make([]*slot, 0, len(s.slots))
	for _, sl := range s.slots {
		if !sl.retiring {
			active = append(active, sl)
		}
	}
	for _, sl := range s.slots {
		if len(active) >= wanted {
			break
		}
		if sl.retiring {
			sl.reuse()
			active = append(active, sl)
			s.moved = true
		}
	}
	for ; len(active) < wanted; s.moved = true {
		sl := &slot{number: len(s.slots) + 1}
		s.slots = append(s.slots, sl)
		active = append(active, sl)
	}
	if len(active) == wanted {
		return
	}
	slices.SortFunc(active, cheaper)
	for _, sl := range active[:len(active)-wanted] {
		sl.retiring, sl.held, sl.ended, sl.failed = true, false, false, false
		s.moved = true
	}
}

// cheaper orders slots by how little is lost when they are scaled in: those
// without a ready worker first, then from the highest number down.
func cheaper(a, b *slot) int {
	cost := func(sl *slot) int {
		switch {
		case sl.current.running():
			return 2
		case sl.current.live():
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(cost(a), cost(b)), cmp.Compare(b.number, a.number))
}

// reuse takes a retiring slot back. A worker on its way out does not delay the new one.
func (sl *slot) reuse() {
	sl.retiring = false
	if sl.last == nil && sl.next == nil {
		sl.last, sl.current = sl.current, nil
	}
}
