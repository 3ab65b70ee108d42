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
//
// A warm-up of an hour looks like a straight line for a while, but it slows
// down, and where it does so beyond doubt the time to the limit is that of a
// curve which levels off (rise.takes). In two sets of 40 generated warm-ups
// with a time constant of 15 to 60 minutes this took the false alarms from 16
// and 25 to none, in one of 60 to 120 from 13 to none; a stricter HalfShare of
// 0.7 left 4, 5 and 13, and found leaks that begin late 18 minutes later. Every
// leak is found as soon as before, except beside a slow warm-up: two hours
// after the start rather than one, four and a half in the worst case.
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
	half := n / 2
	r := rise{
		whole: slopeOf(hours, values, d.Width), first: slopeOf(hours[:half], values[:half], d.Width), second: slopeOf(hours[half:], values[half:], d.Width),
		span: hours[n-1],
	}
	v.Slope, v.Low, v.High = r.whole.middle, r.whole.low, r.whole.high
	if v.Slope > 0 {
		v.ToLimit = d.toLimit(v, r)
		if last.Requests > first.Requests {
			v.PerRequest = v.Slope * r.span / float64(last.Requests-first.Requests)
		}
	}
	atLeast := d.HalfShare * v.Slope
	switch {
	case v.Low <= d.MinGrowth*slices.Min(values):
		v.Why = "it rises too little"
	case r.first.middle < atLeast, r.second.middle < atLeast:
		v.Why = "it does not rise all the time"
	case limit > 0 && v.ToLimit == forever:
		v.Why = "it levels off before the limit"
	case limit > 0 && v.ToLimit >= d.Horizon:
		v.Why = "the limit is far away"
	default:
		v.Leak = true
	}
	return v
}

// forever is the time to what is never reached.
const forever time.Duration = math.MaxInt64

// toLimit is how long it takes until the limit is reached when it goes on to
// rise, and to slow down, as it did.
func (d LeakDetector) toLimit(v Verdict, r rise) time.Duration {
	if v.Limit <= v.Bytes {
		return 0
	}
	hours := r.takes(float64(v.Limit - v.Bytes))
	if math.IsInf(hours, 1) {
		return forever
	}
	return time.Duration(min(hours*float64(d.Hour), math.MaxInt64/2))
}
