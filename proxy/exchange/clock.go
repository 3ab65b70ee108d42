package exchange

import "time"

// clock counts from its start: one word instead of a time.Time, and half its
// price to read.
type clock struct{ start time.Time }

func (c clock) now() time.Duration { return time.Since(c.start) }

// at is the moment d on this clock.
func (c clock) at(d time.Duration) time.Time { return c.start.Add(d) }

// of is t on this clock; 0 for the zero time.
func (c clock) of(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(t.Sub(c.start), 1)
}

// earlier is the earlier of two moments, where 0 is never.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
