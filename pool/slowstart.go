package pool

import "time"

// leastShare is what an upstream in slow start begins with, of its full share.
const leastShare = 0.1

// slowStart is what a snapshot knows of upstreams whose share is still growing.
type slowStart struct {
	over   time.Duration // how long a share grows
	oldest int64         // when the upstream that has been well for longest began; 0: from the beginning
	until  int64         // reading of the clock at which all shares are full; 0: they are
}

// newSlowStart returns that of a snapshot of ups. Nothing is to be done where
// there is no other upstream whose share could be the larger one.
func newSlowStart(over time.Duration, ups []*Upstream) slowStart {
	if over <= 0 || len(ups) < 2 {
		return slowStart{}
	}
	s := slowStart{over: over, oldest: ups[0].warmFrom.Load()}
	newest := s.oldest
	for _, u := range ups[1:] {
		from := u.warmFrom.Load()
		s.oldest, newest = min(s.oldest, from), max(newest, from)
	}
	if newest > s.oldest {
		s.until = newest + int64(over)
	}
	return s
}

// warmUp notes that the upstream has become healthy.
func (u *Upstream) warmUp() { u.warmFrom.Store(u.pool.clock.tick(time.Now())) }

// Warming returns the time, as a reading of the pool's clock, when shares of
// the snapshot's upstreams are still growing (slowStart); 0 when all are full,
// which costs one load or two.
func (s *Snapshot) Warming() time.Duration {
	if s.until == 0 || s.clock.now.Load() >= s.until {
		return 0
	}
	// The clock stands still while nobody reports.
	if now := s.clock.tick(time.Now()); now < s.until {
		return time.Duration(now)
	}
	return 0
}

// ShareAt returns the share of its full one, above 0 and up to 1, that the
// upstream should get at the time now, a reading that Warming returned. It is
// measured by the upstream of the snapshot whose share is largest.
func (s *Snapshot) ShareAt(u *Upstream, now time.Duration) float64 {
	from := u.warmFrom.Load()
	if from <= s.oldest {
		return 1
	}
	return min(s.grown(from, now)/s.grown(s.oldest, now), 1)
}

func (s *Snapshot) grown(from int64, now time.Duration) float64 {
	if from == 0 {
		return 1
	}
	return min(max(float64(int64(now)-from)/float64(s.over), leastShare), 1)
}
