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
