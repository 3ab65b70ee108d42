package monitor

import "testing"

func TestCounters_AddUpAndNeverDecrease(t *testing.T) {
	var to totals
	f := func(members map[int]usage, counts map[int]counters, want counters) {
		t.Helper()
		to.add(members, func(pid int) (counters, bool) { c, ok := counts[pid]; return c, ok })
		if to.sum != want {
			t.Errorf("%+v, want %+v", to.sum, want)
		}
	}
	two := map[int]usage{1: {start: 1}, 2: {start: 2, parent: 1}}
	one := map[int]usage{1: {start: 1}}
	f(two, map[int]counters{1: {10, 1, 100, 0}, 2: {5, 0, 0, 50}}, counters{15, 1, 100, 50})
	f(two, map[int]counters{1: {20, 1, 100, 0}, 2: {5, 2, 0, 60}}, counters{25, 3, 100, 60})
	// a thread ended; the child is a zombie
	f(two, map[int]counters{1: {12, 1, 100, 0}}, counters{25, 3, 100, 60})
	// the parent has waited for the child, which had written another 10 unseen
	f(one, map[int]counters{1: {13, 1, 100, 70}}, counters{26, 3, 100, 70})
	// another process has the child's number
	f(map[int]usage{1: {start: 1}, 2: {start: 9, parent: 1}}, map[int]counters{1: {13, 1, 100, 70}, 2: {1, 0, 0, 7}}, counters{27, 3, 100, 77})
	f(nil, nil, counters{27, 3, 100, 77})
}

func TestCounters_ReadsTheKernelsText(t *testing.T) {
	status := "Name:\tnode\nThreads:\t11\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n"
	if v, i := parseSwitches([]byte(status)); v != 150 || i != 7 {
		t.Errorf("switches: %d, %d", v, i)
	}
	io := "rchar: 6976\nwchar: 1\nsyscr: 10\nsyscw: 0\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n"
	if r, w := parseIO([]byte(io)); r != 4096 || w != 8192 {
		t.Errorf("io: %d, %d", r, w)
	}
	for _, bad := range []string{"", "\nread_bytes:", "\nread_bytes: x", "read_bytes"} {
		if r, _ := parseIO([]byte(bad)); r != 0 {
			t.Errorf("%q: %d", bad, r)
		}
	}
}
