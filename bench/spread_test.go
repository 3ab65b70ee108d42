package main

import "testing"

func TestSpread_Interpolates(t *testing.T) {
	f := func(s spread, lowest, median, highest float64) {
		t.Helper()
		if s.min() != lowest || s.median() != median || s.max() != highest {
			t.Errorf("%v: got %v %v %v; want %v %v %v", s, s.min(), s.median(), s.max(), lowest, median, highest)
		}
	}
	f(nil, 0, 0, 0)
	f(spread{3}, 3, 3, 3)
	f(spread{4, 1}, 1, 2.5, 4)
	f(spread{9, 1, 2}, 1, 2, 9)
}
