package cache

import (
	"math"
	"time"

	"github.com/maypok86/otter/v2"
)

// never is the moment at which an entry without an end expires.
const never = math.MaxInt64

// What an entry weighs beside its key, value and tags: the entry itself, its
// place in the table, the policy and the indexes. Measured, and rounded up, by
// TestStore_WeighsWhatItTakes.
const (
	entryOverhead = 280
	tagOverhead   = 320 // for one that no other entry has
)

// entry is one key and its value. All but its place in the index never changes.
type entry struct {
	ns      *namespace
	id      string // the byte of the namespace, then the key: what the table knows it by
	value   []byte // JSON in one line
	expires int64  // by the store's clock
	tags    []string

	previous, next *entry // in the index, which guards them
}

func (e *entry) key() string { return e.id[1:] }

func (e *entry) weight() int64 {
	w := int64(entryOverhead + len(e.id) + len(e.value))
	for _, tag := range e.tags {
		w += int64(tagOverhead + len(tag))
	}
	return w
}

// left returns the milliseconds until e expires, at least 1, or 0 where it never does.
func (e *entry) left(now int64) int64 {
	if e.expires == never {
		return 0
	}
	return max((e.expires-now)/int64(time.Millisecond), 1)
}

// lifetime tells the table when an entry expires.
func lifetime(e otter.Entry[string, *entry]) time.Duration {
	if e.Value.expires == never {
		return math.MaxInt64
	}
	return time.Duration(max(e.Value.expires-e.SnapshotAtNano, 1)) // 0 would mean that it never does
}

// clock is the time of day when it was made and the monotonic time since, so
// that setting the machine's clock expires nothing.
type clock struct {
	start time.Time
	nanos int64
}

func newClock() *clock {
	now := time.Now()
	return &clock{now, now.UnixNano()}
}

// NowNano implements otter.Clock.
func (c *clock) NowNano() int64 { return c.nanos + int64(time.Since(c.start)) }

// Tick implements otter.Clock.
func (c *clock) Tick(d time.Duration) <-chan time.Time { return time.Tick(d) }

// after returns the moment d from now.
func (c *clock) after(d time.Duration) int64 {
	now := c.NowNano()
	if int64(d) > never-now {
		return never
	}
	return now + int64(d)
}
