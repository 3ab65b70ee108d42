package healthcheck

import (
	"testing"
	"time"
)

func TestPulse_NoticesThatWeStoodStill(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	f := func(what string, beats []int, from, to int, want bool) {
		t.Helper()
		p := newPulse(start)
		for _, b := range beats {
			p.beat(at(b))
		}
		if got := p.stoodStill(at(from), at(to)); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	f("regular", []int{100, 200, 300, 400}, 150, 450, false)
	f("a little late", []int{100, 400, 500}, 150, 550, false)
	f("a pause within", []int{100, 900, 1000}, 150, 1050, true)
	f("a pause that ended before", []int{100, 900, 1000}, 950, 1050, false)
	f("a pause that began before", []int{100, 900, 1000}, 300, 1050, true)
	f("asked before the beat after the pause", []int{100, 200}, 250, 2000, true)
}
