package monitor

import (
	"sync"
	"time"
)

// footprintFor is how long a footprint is good for: reading one makes the kernel
// walk all pages of a process, some 6 ms for 300 MB, in which it cannot map any.
const footprintFor = time.Minute

// Footprint is the memory of a process tree in detail, in bytes.
type Footprint struct {
	At   time.Time
	PSS  uint64 // pages that processes share, also with those outside of the tree, are divided among them
	USS  uint64 // pages that nobody shares: what ending the tree would free
	Swap uint64
}

// footprintReader returns the footprint of one process; false when it is gone or not ours to see.
type footprintReader func(pid int) (Footprint, bool)

// footprints remembers that of one target.
type footprints struct {
	mu   sync.Mutex
	last Footprint
}

// get returns the last footprint, or measures a new one when that is old.
func (f *footprints) get(now time.Time, pids []int, read footprintReader) (Footprint, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.last.At.IsZero() && now.Sub(f.last.At) < footprintFor {
		return f.last, true
	}
	sum := Footprint{At: now}
	found := false
	for _, pid := range pids {
		one, ok := read(pid)
		if !ok {
			continue
		}
		found = true
		sum.PSS, sum.USS, sum.Swap = sum.PSS+one.PSS, sum.USS+one.USS, sum.Swap+one.Swap
	}
	if found {
		f.last = sum
	}
	return sum, found
}

// parseFootprint reads the text of /proc/PID/smaps_rollup.
func parseFootprint(text []byte) Footprint {
	const kilobyte = 1024
	return Footprint{
		PSS:  numberAfter(text, "\nPss:") * kilobyte,
		USS:  (numberAfter(text, "\nPrivate_Clean:") + numberAfter(text, "\nPrivate_Dirty:")) * kilobyte,
		Swap: numberAfter(text, "\nSwap:") * kilobyte,
	}
}
