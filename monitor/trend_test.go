package monitor

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRising_KnowsTheTextbook(t *testing.T) {
	f := func(want float64, values ...float64) {
		t.Helper()
		if got := rising(values); math.Abs(got-want) > 0.005 {
			t.Errorf("z of %v is %g, want %g", values, got, want)
		}
	}
	// S and its variance by hand: n(n-1)(2n+5)/18, less the same of each group of equal ones.
	f(44/math.Sqrt(125), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	f(-44/math.Sqrt(125), 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
	f(4/math.Sqrt(13), 1, 2, 2, 3, 2)
	f(0, 5, 5, 5, 5)
	f(0)
	f(0, 1)
}

func TestRising_IsSeldomHighByChance(t *testing.T) {
	high := 0
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 4))
		values := make([]float64, 20)
		for i := range values {
			values[i] = r.NormFloat64()
		}
		if rising(values) > 3.09 {
			high++
		}
	}
	if high > 12 { // 4 are expected
		t.Errorf("%d of 4000 series without a trend", high)
	}
}

func TestSlope_IntervalHoldsTheTruth(t *testing.T) {
	below, above := 0, 0
	const series = 1000
	for seed := range uint64(series) {
		r := rand.New(rand.NewPCG(seed, 5))
		times, values := make([]float64, 40), make([]float64, 40)
		for i := range values {
			times[i], values[i] = float64(i), 3*float64(i)+20*r.NormFloat64()
		}
		values[7] = 1e9 // it does not mind an outlier
		s := slopeOf(times, values, 2.326)
		if s.low > s.middle || s.high < s.middle {
			t.Fatalf("%+v", s)
		}
		if s.low > 3 {
			below++
		}
		if s.high < 3 {
			above++
		}
	}
	if below > series/40 || above > series/40 { // 1% each is expected
		t.Errorf("of %d intervals %d are above the slope and %d below", series, below, above)
	}
}

func TestSlope_OfALine(t *testing.T) {
	if s := slopeOf([]float64{0, 1, 3}, []float64{5, 7, 11}, 2.326); s.middle != 2 || s.low != 2 || s.high != 2 {
		t.Errorf("%+v", s)
	}
	if s := slopeOf([]float64{0, 1}, []float64{5, 5}, 2.326); s.middle != 0 || s.low != 0 || s.high != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRise_IsProjectedAsItSlowsDown(t *testing.T) {
	f := func(what string, series func(hour float64) float64, noise, more, want, tolerance float64) {
		t.Helper()
		r := rand.New(rand.NewPCG(1, 6))
		times, values := make([]float64, 60), make([]float64, 60)
		for i := range values {
			times[i] = float64(i) / 30
			values[i] = series(times[i]) + noise*r.NormFloat64()
		}
		of := func(from, to int) slope { return slopeOf(times[from:to], values[from:to], 2.326) }
		got := rise{whole: of(0, 60), first: of(0, 30), second: of(30, 60), span: times[59]}.takes(more)
		if got != want && math.IsNaN(got-want) || math.Abs(got-want) > tolerance {
			t.Errorf("%s: %g more takes %g hours, want %g", what, more, got, want)
		}
	}
	warmUp := func(hour float64) float64 { return 100 * (1 - math.Exp(-hour)) } // 86 after two hours
	f("a straight line", func(hour float64) float64 { return 10 * hour }, 0, 30, 3, 0.001)
	f("a straight line with noise", func(hour float64) float64 { return 10 * hour }, 3, 30, 3, 0.5)
	f("one that becomes steeper", func(hour float64) float64 { return 10 * hour * hour }, 0, 30, 1.5, 0.1) // as if it had been straight
	f("a warm-up", warmUp, 0, 7, 0.7, 0.2)                                                                 // half of what is left; a line would take 0.2
	f("a warm-up", warmUp, 0, 20, math.Inf(1), 0)
	f("a warm-up with noise", warmUp, 1, 40, math.Inf(1), 0)
	f("one that cannot be told from a line", warmUp, 60, 40, 1, 1)
}
