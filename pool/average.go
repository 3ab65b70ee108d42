package pool

import (
	"math"
	"sync/atomic"
	"time"
)

// An average forgets with time: a value that comes after a silence counts for
// more. averageOver is the silence after which it would count for half; the
// bounds make a burst count (many values at one instant) and keep a single
// value from ruling after a long silence.
const (
	averageOver      = 3 * time.Second
	averageLeastPart = 1.0 / 100
	averageMostPart  = 1.0 / 4
)

// average is a running average with time decay. It is lock-free.
type average struct {
	bits atomic.Uint64 // float64
	last atomic.Int64  // clock reading of the newest value; 0: none yet
}

// start makes the average begin at 0 instead of at its first value.
func (a *average) start(now int64) { a.last.Store(now) }

func (a *average) value() float64 { return math.Float64frombits(a.bits.Load()) }

// add takes a value in at the clock reading now (1 or more).
func (a *average) add(v float64, now int64) {
	last := a.last.Swap(now)
	part := 1.0
	if last != 0 {
		gap := float64(max(now-last, 0))
		part = min(max(gap/(gap+float64(averageOver)), averageLeastPart), averageMostPart)
	}
	for {
		old := a.bits.Load()
		mean := math.Float64frombits(old)
		if a.bits.CompareAndSwap(old, math.Float64bits(mean+(v-mean)*part)) {
			return
		}
	}
}
