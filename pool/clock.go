package pool

import (
	"sync/atomic"
	"time"
)

// clock is a coarse monotonic clock that moves when somebody reports: averages
// change only then, so readers of averages need no system clock of their own.
type clock struct {
	epoch time.Time
	now   atomic.Int64 // nanoseconds since epoch
}

// clockStep bounds how often the shared word is written.
const clockStep = int64(time.Millisecond)

// tick moves the clock to t and returns the exact reading, at least 1.
func (c *clock) tick(t time.Time) int64 {
	n := max(int64(t.Sub(c.epoch)), 1)
	if old := c.now.Load(); n-old >= clockStep {
		c.now.CompareAndSwap(old, n) // a loser was as late as the winner
	}
	return n
}

// Clock returns the reading of the pool's clock at t, for Upstream.LatencyAt. It
// does not move the clock.
func (p *Pool) Clock(t time.Time) time.Duration { return max(t.Sub(p.clock.epoch), 1) }
