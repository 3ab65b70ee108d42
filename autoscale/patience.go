package autoscale

import "time"

// mostPatience bounds how many times longer than the settings say drover waits
// before it takes a worker away. calmFor is how many waits without regret halve it.
const (
	mostPatience = 16
	calmFor      = 20
)

// patience is how many times the settings' time a worker must have been too
// many before it is taken away: it doubles when one that was taken away has to
// be added back soon, since then the load comes and goes faster than that.
type patience struct {
	factor    int       // 0 is 1
	taken     time.Time // when the last worker was taken away; zero after one was added
	regretted time.Time
}

// span is how long fewer workers must have been enough.
func (p patience) span(calm time.Duration) time.Duration {
	return calm * time.Duration(max(p.factor, 1))
}

// down notes that a worker is taken away.
func (p patience) down(now time.Time) patience {
	p.taken = now
	return p
}

// up notes that a worker is added.
func (p patience) up(now time.Time, calm time.Duration) patience {
	if !p.taken.IsZero() && now.Sub(p.taken) <= 2*p.span(calm) {
		p.factor, p.regretted = min(2*max(p.factor, 1), mostPatience), now
	}
	p.taken = time.Time{} // the workers after this one come back for the same reason
	return p
}

// relax halves the patience when nothing was regretted for long.
func (p patience) relax(now time.Time, calm time.Duration) patience {
	if p.factor > 1 && now.Sub(p.regretted) > calmFor*p.span(calm) {
		p.factor, p.regretted = p.factor/2, now
	}
	return p
}
