package main

import (
	"fmt"
	"slices"
)

// spread is a set of measurements.
type spread []float64

func (s spread) min() float64 { return s.at(0) }

func (s spread) max() float64 { return s.at(1) }

func (s spread) median() float64 { return s.at(0.5) }

// at returns the value at a quantile from 0 to 1, interpolated; 0 of nothing.
func (s spread) at(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	position := q * float64(len(sorted)-1)
	low := int(position)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(position-float64(low))
}

// text prints a number with three digits, or a dash when nothing was measured.
func (s spread) text(of func() float64) string {
	if len(s) == 0 {
		return "–"
	}
	v := of()
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
