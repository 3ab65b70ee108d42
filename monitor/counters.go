package monitor

import "bytes"

// counters are what the kernel counts for a process that costs more to read
// than usage. Those of I/O take in the children that it waited for.
type counters struct {
	voluntary, involuntary uint64 // context switches of its threads
	read, written          uint64 // bytes from and to disks
}

// counterReader returns the counters of a process; false when they cannot be read.
type counterReader func(pid int) (counters, bool)

// counted is what was read of a process, and who it is.
type counted struct {
	counters
	start  uint64
	parent int
}

// totals add up the counters of a tree's members, also those that are gone.
type totals struct {
	members map[int]counted
	sum     counters
}

// add reads the counters of the members that were just measured.
func (t *totals) add(members map[int]usage, read counterReader) {
	present := make(map[int]counted, len(members))
	for pid, u := range members {
		c, ok := read(pid)
		before, known := t.members[pid]
		known = known && before.start == u.start
		switch {
		case ok:
			present[pid] = counted{c, u.start, u.parent}
		case known: // a zombie, mostly
			present[pid] = before
		}
	}
	ended := make(map[int]counters) // what was counted of children that are gone, by parent
	for pid, was := range t.members {
		if now, ok := present[pid]; ok && now.start == was.start {
			continue
		}
		e := ended[was.parent]
		ended[was.parent] = counters{read: e.read + was.read, written: e.written + was.written}
	}
	for pid, now := range present {
		before := t.members[pid]
		if before.start != now.start {
			before = counted{}
		}
		// Threads that end take their switches with them.
		t.sum.voluntary += grown(before.voluntary, now.voluntary)
		t.sum.involuntary += grown(before.involuntary, now.involuntary)
		t.sum.read += grown(ended[pid].read, grown(before.read, now.read))
		t.sum.written += grown(ended[pid].written, grown(before.written, now.written))
	}
	t.members = present
}

// parseSwitches reads the context switches in the text of /proc/PID/task/TID/status.
func parseSwitches(text []byte) (voluntary, involuntary uint64) {
	return numberAfter(text, "\nvoluntary_ctxt_switches:"), numberAfter(text, "\nnonvoluntary_ctxt_switches:")
}

// parseIO reads the bytes from and to disks in the text of /proc/PID/io.
func parseIO(text []byte) (read, written uint64) {
	return numberAfter(text, "\nread_bytes:"), numberAfter(text, "\nwrite_bytes:")
}

// numberAfter returns the number that follows a key, 0 where there is none.
func numberAfter(text []byte, key string) uint64 {
	_, rest, ok := bytes.Cut(text, []byte(key))
	if !ok {
		return 0
	}
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0
	}
	return digits(fields[0])
}
