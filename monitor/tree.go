package monitor

import (
	"maps"
	"slices"
	"time"
)

// ticksPerSecond is USER_HZ, which is 100 on every architecture Go runs on.
const ticksPerSecond = 100

// reader returns what a process uses; false when it is gone.
type reader func(pid int) (usage, bool)

// tree adds up the processes of one target over time. Members come and go, and
// what the gone ones used stays counted.
type tree struct {
	members map[int]usage // as last read
	ticks   uint64        // of the tree so far
	totals  totals
	last    Sample
}

// pids are those of the members.
func (t *tree) pids() []int { return slices.Collect(maps.Keys(t.members)) }

// measure reads the members named by pids and returns the tree's sample at now.
func (t *tree) measure(now time.Time, pids []int, read reader) Sample {
	s := Sample{At: now}
	present := make(map[int]usage, len(pids))
	for _, pid := range pids {
		u, ok := read(pid)
		if !ok {
			continue
		}
		before, known := t.members[pid]
		switch {
		case !known:
			t.ticks += u.ticks + u.reaped
		case before.start == u.start:
			t.ticks += grown(before.ticks, u.ticks)
		default: // another process has its number since pids was made; it may be a stranger
			continue
		}
		present[pid] = u
		if !u.dead {
			s.RSS, s.Shared = s.RSS+u.rss, s.Shared+u.shared
			s.OpenFiles += u.openFiles
			s.Threads += u.threads
			s.Processes++
		}
	}
	t.addReaped(present)
	t.members = present
	s.CPUSeconds = float64(t.ticks) / ticksPerSecond
	if elapsed := now.Sub(t.last.At).Seconds(); !t.last.At.IsZero() && elapsed > 0 {
		s.CPU = (s.CPUSeconds - t.last.CPUSeconds) / elapsed
	}
	t.last = s
	t.tell()
	return t.last
}

// count reads the members' counters; it follows measure.
func (t *tree) count(read counterReader) Sample {
	t.totals.add(t.members, read)
	t.tell()
	return t.last
}

// tell puts the counters into the last sample.
func (t *tree) tell() {
	c := t.totals.sum
	t.last.VoluntarySwitches, t.last.InvoluntarySwitches = c.voluntary, c.involuntary
	t.last.ReadBytes, t.last.WrittenBytes = c.read, c.written
}

// weigh reads the memory alone, of those members that live and are still who they were.
func (t *tree) weigh(read reader) Sample {
	t.last.RSS, t.last.Shared = 0, 0
	for pid, was := range t.members {
		if u, ok := read(pid); ok && u.start == was.start && !u.dead {
			t.last.RSS, t.last.Shared = t.last.RSS+u.rss, t.last.Shared+u.shared
		}
	}
	return t.last
}

// addReaped counts what children used that ended since the last look: their
// parent's own counter has grown by all of it, and a part was counted while
// they lived.
func (t *tree) addReaped(present map[int]usage) {
	counted := make(map[int]uint64) // by parent
	for pid, was := range t.members {
		if _, ok := present[pid]; !ok {
			counted[was.parent] += was.ticks + was.reaped
		}
	}
	for pid, u := range present {
		if before, known := t.members[pid]; known {
			t.ticks += grown(counted[pid], grown(before.reaped, u.reaped))
		}
	}
}

// grown returns how much a counter went up, 0 when it went down.
func grown(from, to uint64) uint64 {
	if to < from {
		return 0
	}
	return to - from
}
