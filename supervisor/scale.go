package supervisor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/drover-proxy/drover/config"
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

// ScaleAuto returns to the number of workers in the settings, or leaves the
// number to autoscaling, which goes on from the present one.
func (s *Supervisor) ScaleAuto() error { return s.scale(-1) }

func (s *Supervisor) scale(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return fmt.Errorf("scale pool %s: %w", s.pool.Name(), ErrStopping)
	}
	before := s.wantedLocked()
	if n < 0 && s.scaled >= 0 {
		s.adjusted = s.scaled
	}
	s.scaled = n
	s.sayScaledLocked(before, "manual", "", nil)
	s.wake()
	return nil
}

// Adjust sets how many workers are wanted where autoscaling is enabled, within
// its bounds. reason, message (why, in words) and numbers are for the event. It
// reports whether that changed anything: the number of an operator stays.
func (s *Supervisor) Adjust(n int, reason, message string, numbers map[string]any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.scaled >= 0 || !s.cfg.AutoScaling.Enabled {
		return false
	}
	before := s.wantedLocked()
	s.adjusted = n
	s.sayScaledLocked(before, reason, message, numbers)
	s.wake()
	return s.wantedLocked() != before
}

// rescaleLocked takes over what new settings say of the number of workers; they
// count for more than what an operator said before.
func (s *Supervisor) rescaleLocked(old *config.Pool, before int) {
	auto := s.cfg.AutoScaling
	switch {
	case auto.Enabled && (s.cfg.Workers != old.Workers || auto != old.AutoScaling):
		s.scaled, s.adjusted = -1, before // from where they are: the load is as it was
	case s.cfg.Workers != old.Workers:
		s.scaled, s.adjusted = -1, -1
	}
	s.sayScaledLocked(before, "settings", "", nil)
}

func (s *Supervisor) sayScaledLocked(before int, reason, message string, numbers map[string]any) {
	after := s.wantedLocked()
	if after == before {
		return
	}
	attrs := map[string]any{"from": before, "to": after, "reason": reason}
	maps.Copy(attrs, numbers)
	text := fmt.Sprintf("pool %s goes from %d to %d workers", s.pool.Name(), before, after)
	if message != "" {
		text += ": " + message
	}
	s.publish(event.PoolScaled, s.pool.Name(), text, attrs)
}

func (s *Supervisor) wantedLocked() int {
	if s.scaled >= 0 {
		return s.scaled
	}
	n := s.cfg.Workers.Resolve()
	if a := s.cfg.AutoScaling; a.Enabled {
		if s.adjusted >= 0 {
			n = s.adjusted
		}
		n = min(max(n, a.MinWorkers), a.MaxWorkers)
	}
	return min(n, MaxWorkers)
}

// Capacity is how many workers a pool has and will have.
type Capacity struct {
	Wanted  int
	Coming  int  // of those, not ready yet and not given up either
	Held    int  // of those, stopped by an operator
	Rolling bool // a rolling restart is in progress
	Manual  bool // an operator said how many
}

// Capacity returns how many workers there are and will be.
func (s *Supervisor) Capacity() Capacity {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Capacity{Wanted: s.wantedLocked(), Rolling: s.roll != nil, Manual: s.scaled >= 0}
	given := 0
	for _, sl := range s.slots {
		switch w := sl.current; {
		case sl.retiring:
			continue
		case sl.held:
			c.Held++
		case sl.ended: // nobody comes
		case w.running() && w.up != nil: // there
		case w != nil && w.state == Failed, sl.failures >= crashLoop: // it may come, but nobody counts on it
		default:
			c.Coming++
		}
		given++
	}
	c.Coming += max(c.Wanted-given, 0) // slots that the next tick makes
	return c
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
		sl := s.newSlotLocked()
		s.slots = append(s.slots, sl)
		active = append(active, sl)
	}
	if len(active) == wanted {
		return
	}
	byCost(active)
	for _, sl := range active[:len(active)-wanted] {
		sl.retiring, sl.held, sl.ended, sl.failed = true, false, false, false
		s.moved = true
	}
}

// byCost orders slots by how little is lost when they are scaled in: those
// without a ready worker first, then by requests in flight, then from the
// highest number down.
func byCost(slots []*slot) {
	cost := make(map[*slot]int64, len(slots)) // requests come and go while they are sorted
	for _, sl := range slots {
		switch w := sl.current; {
		case w.running() && w.up != nil:
			cost[sl] = 2 + w.up.InFlight()
		case w.live():
			cost[sl] = 1
		}
	}
	slices.SortFunc(slots, func(a, b *slot) int {
		return cmp.Or(cmp.Compare(cost[a], cost[b]), cmp.Compare(b.number, a.number))
	})
}

// reuse takes a retiring slot back. A worker on its way out does not delay the new one.
func (sl *slot) reuse() {
	sl.retiring = false
	if sl.last == nil && sl.next == nil {
		sl.last, sl.current = sl.current, nil
	}
}
