package monitor

import (
	"math"
	"slices"
)

// slope is how fast a series rises.
type slope struct {
	middle    float64 // Theil and Sen's: the median of the slopes between all pairs
	low, high float64 // Sen's interval of it
}

// margin is how far from the middle the interval reaches.
func (s slope) margin() float64 { return (s.high - s.low) / 2 }

// rising is z of Mann and Kendall's test, which asks only of how many pairs the
// later one is the larger: above 3.09 a series without a trend is once in a
// thousand times.
func rising(values []float64) float64 {
	s := 0 // pairs that rise less those that fall
	for i, a := range values {
		for _, b := range values[i+1:] {
			switch {
			case b > a:
				s++
			case b < a:
				s--
			}
		}
	}
	if s == 0 {
		return 0
	}
	return float64(s-sign(s)) / math.Sqrt(variance(values)) // one less corrects for continuity
}

// slopeOf measures values at times, which rise; there are two or more. width is
// the interval's, in standard deviations.
func slopeOf(times, values []float64, width float64) slope {
	n := len(values)
	all := make([]float64, 0, n*(n-1)/2)
	for i := range values {
		for j := i + 1; j < n; j++ {
			all = append(all, (values[j]-values[i])/(times[j]-times[i]))
		}
	}
	slices.Sort(all)
	half := width * math.Sqrt(variance(values)) / 2
	middle := float64(len(all)) / 2
	return slope{
		middle: median(all),
		low:    all[clamp(int(math.Floor(middle-half)), len(all))],
		high:   all[clamp(int(math.Ceil(middle+half))-1, len(all))],
	}
}

// rise is how a series rises in a time, span, and in the halves of it.
type rise struct {
	whole, first, second slope
	span                 float64
}

// slowing is at which rate its slope falls, as that of 1-exp(-rate*time) does.
// It is the least that the intervals of the halves allow; 0 where it may be straight,
// or does not rise in the end.
func (r rise) slowing() float64 {
	less := r.first.middle - r.second.middle - math.Hypot(r.first.margin(), r.second.margin())
	if less <= 0 || r.second.middle <= 0 {
		return 0
	}
	return -math.Log1p(-less/r.first.middle) / (r.span / 2)
}

// takes is the time from its end until it has risen by so much more. It is
// infinite when the series slows down and levels off before.
func (r rise) takes(more float64) float64 {
	rate := r.slowing()
	if rate == 0 {
		return more / r.whole.middle
	}
	now := r.second.middle * math.Exp(-rate*r.span/4) // that slope was half a half ago
	left := 1 - rate*more/now                         // of the slope, when it is there
	if left <= 0 {
		return math.Inf(1)
	}
	return -math.Log(left) / rate
}

// variance is that of Mann and Kendall's S where nothing rises or falls, with
// values that are equal taken into account.
func variance(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	f := func(n int) float64 { return float64(n * (n - 1) * (2*n + 5)) }
	v := f(len(sorted))
	for from, i := 0, 1; i <= len(sorted); i++ {
		if i == len(sorted) || sorted[i] != sorted[from] {
			v -= f(i - from)
			from = i
		}
	}
	return v / 18
}

// median is of values in order, at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

// clamp returns i, or the nearest index of a slice of length n.
func clamp(i, n int) int { return min(max(i, 0), n-1) }
