package strategy

import (
	"math"
	"testing"
)

func wheelOf(weights ...uint64) *wheel {
	total := uint64(0)
	for _, w := range weights {
		total += w
	}
	w, end := newWheel(len(weights), total), uint64(0)
	w.cut(func(i int) uint64 { end += weights[i]; return end })
	return w
}

func TestWheel_SharesAreExact(t *testing.T) {
	f := func(weights ...uint64) {
		t.Helper()
		w := wheelOf(weights...)
		for _, start := range []uint64{0, 1, 1 << 40} {
			got := make([]uint64, len(weights))
			for k := range w.total {
				got[w.at(start+k)]++
			}
			for i := range weights {
				if got[i] != weights[i] {
					t.Errorf("%v from turn %d: place %d had %d turns", weights, start, i, got[i])
				}
			}
		}
	}
	f(1)
	f(7)
	f(1, 1)
	f(5, 1, 1)
	f(1, 2, 3, 4)
	f(256, 1, 256, 3)
	f(1000, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	many := make([]uint64, 1000)
	for i := range many {
		many[i] = uint64(1 + i*i%256)
	}
	f(many...)
}

func TestWheel_TurnsAreSpread(t *testing.T) {
	f := func(weights ...uint64) {
		t.Helper()
		w := wheelOf(weights...)
		got := make([]float64, len(weights))
		for k := range 10 * w.total {
			got[w.at(k)]++
			for i, weight := range weights {
				if want := float64(weight) * float64(k+1) / float64(w.total); math.Abs(got[i]-want) > 4 {
					t.Fatalf("%v: after %d turns place %d had %v, want about %.1f", weights, k+1, i, got[i], want)
				}
			}
		}
	}
	f(1, 1, 1)
	f(5, 1, 1)
	f(10, 20, 30, 40)
	f(250, 3, 3, 3)
	f(97, 89, 83, 79, 73)
}

func TestWheel_SurvivesACutWhileReading(t *testing.T) {
	w := newWheel(100, 1<<20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for round := range 200 {
			w.cut(func(i int) uint64 {
				if i == 99 || i >= round%100 {
					return w.total
				}
				return uint64(i) * 100
			})
		}
	}()
	for k := uint64(0); ; k++ {
		if i := w.at(k); i < 0 || i > 99 {
			t.Fatalf("place %d", i)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
