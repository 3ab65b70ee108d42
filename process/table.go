package process

import "time"

// table is all processes at one moment, or nearly so: the kernel is asked for one after the other.
// It is shared and never changes.
type table struct {
	begun    time.Time // what was started later is missing
	procs    map[int]proc
	children map[int][]int // by parent
}

func newTable(begun time.Time, procs map[int]proc) *table {
	t := &table{begun: begun, procs: procs, children: make(map[int][]int)}
	for pid, p := range procs {
		t.children[p.ppid] = append(t.children[p.ppid], pid)
	}
	return t
}
