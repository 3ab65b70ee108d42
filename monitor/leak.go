package monitor

import (
	"math"
	"slices"
	"time"
)

// LeakDetector tells a leak from what healthy programs do: warm up, fill a
// cache, collect garbage now and then, and follow the load. Each condition alone
// cries wolf; memory leaks when all of them hold. The zero value is of no use:
// take DefaultLeakDetector.
type LeakDetector struct {
	WarmUp     time.Duration // from the first reading; what comes before its end is not looked at
	Window     time.Duration // longer than a cycle of garbage collection
	MinWindows int           // fewer say nothing
	MaxWindows int           // older ones are forgotten

	MinZ      float64       // of Mann and Kendall's test
	Width     float64       // of the slope's interval, in standard deviations
	MinGrowth float64       // share of the base that the interval's lower end is above, in each Hour
	Hour      time.Duration // the time for which MinGrowth and a Verdict's slopes are
	HalfShare float64       // of the whole slope that each half has at least
	Horizon   time.Duration // what would take longer to its limit is not worth a word
}

// DefaultLeakDetector has the numbers that were found with generated series of
// both sorts (leak_test.go).
var DefaultLeakDetector = LeakDetector{
	WarmUp:     10 * time.Minute,
	Window:     2 * time.Minute, // Go collects at least once in two minutes, others more often under load
	MinWindows: 30,
	MaxWindows: 120,
	MinZ:       3.09,
	Width:      2.326, // 99% of a normal distribution are above -2.326
	MinGrowth:  0.03,
	Hour:       time.Hour,
	HalfShare:  0.4,
	Horizon:    24 * time.Hour,
}

// Judge looks at the readings of one process tree from its start on. limit is
// the memory that it may grow to, 0 where that is not known.
func (d LeakDetector) Judge(readings []Reading, limit uint64) Verdict {
	t := d.troughs()
	for _, r := range readings {
		t.add(r)
	}
	return d.judge(t.low, limit)
}

func (d LeakDetector) troughs() troughs {
	return troughs{warmUp: d.WarmUp, window: d.Window, most: d.MaxWindows}
}

// judge looks at the lowest readings of windows in a row.
func (d LeakDetector) judge(low []Reading, limit uint64) Verdict {
	n := len(low)
	v := Verdict{Limit: limit}
	if n < max(d.MinWindows, 4) {
		v.Why = "too few windows"
		return v
	}
	first, last := low[0], low[n-1]
	v.At, v.Span, v.Bytes = last.At, last.At.Sub(first.At), last.Bytes
	hours, values := make([]float64, n), make([]float64, n)
	for i, r := range low {
		hours[i], values[i] = float64(r.At.Sub(first.At))/float64(d.Hour), float64(r.Bytes)
	}
	if rising(values) <= d.MinZ { // what healthy programs end at is also what costs least
		v.Why = "it does not rise"
		return v
	}
	whole := slopeOf(hours, values, d.Width)
	v.Slope, v.Low, v.High = whole.middle, whole.low, whole.high
	if v.Slope > 0 {
		v.ToLimit = d.toLimit(v)
		if last.Requests > first.Requests {
			v.PerRequest = v.Slope * hours[n-1] / float64(last.Requests-first.Requests)
		}
	}
	half := n / 2
	atLeast := d.HalfShare * v.Slope
	switch {
	case v.Low <= d.MinGrowth*slices.Min(values):
		v.Why = "it rises too little"
	case slopeOf(hours[:half], values[:half], d.Width).middle < atLeast, slopeOf(hours[half:], values[half:], d.Width).middle < atLeast:
		v.Why = "it does not rise all the time"
	case limit > 0 && v.ToLimit >= d.Horizon:
		v.Why = "the limit is far away"
	default:
		v.Leak = true
	}
	return v
}

// toLimit is how long it takes at the slope until the limit is reached.
func (d LeakDetector) toLimit(v Verdict) time.Duration {
	if v.Limit <= v.Bytes {
		return 0
	}
	hours := float64(v.Limit-v.Bytes) / v.Slope
	return time.Duration(min(hours*float64(d.Hour), math.MaxInt64/2))
}
