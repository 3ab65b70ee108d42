package process

// table is all processes at one moment, or nearly so: the kernel is asked for one after the other.
// It is shared and never changes.
type table struct {
	procs    map[int]proc
	children map[int][]int // by parent
}

func newTable(procs map[int]proc) *table {
	t := &table{procs: procs, children: make(map[int][]int)}
	for pid, p := range procs {
		t.children[p.ppid] = append(t.children[p.ppid], pid)
	}
	return t
}
