package autoscale

import (
	"slices"
	"time"
)

// window holds the recommendations of some time, for their largest. Those that
// a later and larger one covers are left out, so it is short and falling. It is
// a value: add returns a new one.
type window []seen

type seen struct {
	at      time.Time
	workers int
}

// add takes a recommendation in and forgets those from before the span.
func (w window) add(now time.Time, workers int, span time.Duration) window {
	first, last := 0, len(w)
	for first < last && now.Sub(w[first].at) > span {
		first++
	}
	for last > first && w[last-1].workers <= workers {
		last--
	}
	return append(slices.Clone(w[first:last]), seen{now, workers})
}

// largest returns the largest recommendation; there is one since add.
func (w window) largest() int { return w[0].workers }
