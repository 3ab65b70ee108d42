package monitor

import "time"

// Reading is the memory of a process tree at one moment, and the requests that
// it had served by then.
type Reading struct {
	At       time.Time
	Bytes    uint64
	Requests uint64
}

// troughs are the lowest readings of windows in a row. Since a window is longer
// than a cycle of garbage collection, they are what is still held after one.
type troughs struct {
	warmUp, window time.Duration
	most           int // windows that are kept; the oldest go

	began time.Time // of the first reading
	opens time.Time // when the open window began; zero before the first
	open  Reading
	low   []Reading // of the closed windows
}

// add takes a reading that is later than those before; true when it closed a window.
func (t *troughs) add(r Reading) bool {
	if t.began.IsZero() {
		t.began = r.At
	}
	if r.At.Sub(t.began) < t.warmUp {
		return false
	}
	if t.opens.IsZero() {
		t.opens, t.open = r.At, r
		return false
	}
	if r.At.Sub(t.opens) < t.window {
		if r.Bytes <= t.open.Bytes {
			t.open = r
		}
		return false
	}
	if len(t.low) == t.most {
		t.low = append(t.low[:0], t.low[1:]...)
	}
	t.low = append(t.low, t.open)
	t.opens, t.open = r.At, r
	return true
}
