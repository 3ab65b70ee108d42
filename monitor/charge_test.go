package monitor

import (
	"testing"
	"time"
)

func TestCharge_CountsSharedPagesOnceFromTheAlarmOn(t *testing.T) {
	reads, stranger := 0, 0
	pss := map[int]uint64{1: 120, 2: 30}
	read := func(pid int) (Footprint, bool) { reads++; return Footprint{PSS: pss[pid]}, pid != stranger }
	c := charge{alarm: 240, limit: 300}
	p := table{1: {start: 1, rss: 110}, 2: {start: 2, rss: 100}}
	var tr tree
	now := epoch
	f := func(after time.Duration, first, second, want uint64, wantReads int) {
		t.Helper()
		now, reads = now.Add(after), 0
		p[1], p[2] = usage{start: 1, rss: first}, usage{start: 2, rss: second}
		tr.measure(now, []int{1, 2}, p.read)
		c.find(now, &tr, read)
		if tr.last.Charged != want || reads != wantReads {
			t.Errorf("%d and %d resident: charged %d after %d reads, want %d after %d", first, second, tr.last.Charged, reads, want, wantReads)
		}
	}
	const soon, later = 250 * time.Millisecond, time.Second
	f(0, 110, 100, 210, 0)     // below the alarm
	f(soon, 200, 190, 150, 2)  // more than it may have, if shared pages counted twice
	f(soon, 210, 200, 170, 0)  // in between, what came in addition
	f(soon, 150, 150, 150, 0)  // what went may have been shared
	f(soon, 300, 250, 150, 2)  // nobody is above the limit for what was not looked at
	f(later, 300, 250, 150, 2) // now and then
	pss[2] = 190
	f(later, 300, 250, 310, 2) // it is above
	pss[2] = 30
	stranger = 2
	f(later, 200, 190, 310, 2) // one that nobody may look into counts in full
	f(soon, 110, 100, 210, 0)
	stranger = 0
	f(soon, 200, 190, 150, 2) // at once when it comes back

	delete(p, 2)
	tr.measure(now, []int{1}, p.read)
	p[1] = usage{start: 1, rss: 290}
	tr.measure(now, []int{1}, p.read)
	reads = 0
	if c.find(now, &tr, read); tr.last.Charged != 290 || reads != 0 {
		t.Errorf("one process alone: charged %d after %d reads", tr.last.Charged, reads)
	}
	c.kernel = func() (uint64, bool) { return 77, true }
	if c.find(now, &tr, read); tr.last.Charged != 77 {
		t.Errorf("the kernel says 77, and it is %d", tr.last.Charged)
	}
	c.kernel = func() (uint64, bool) { return 77, false }
	if c.find(now, &tr, read); tr.last.Charged != 290 {
		t.Errorf("the kernel says nothing, and it is %d", tr.last.Charged)
	}
}

func TestCharge_SpendsLittleTimeOnIt(t *testing.T) {
	c := charge{alarm: 100, limit: 1000, at: epoch, took: 40 * time.Millisecond, pss: 300, rss: 500}
	tr := tree{last: Sample{RSS: 500, Processes: 2}, members: map[int]usage{1: {rss: 250}, 2: {rss: 250}}}
	reads := 0
	read := func(int) (Footprint, bool) { reads++; return Footprint{PSS: 150}, true }
	if c.find(epoch.Add(3900*time.Millisecond), &tr, read); reads != 0 {
		t.Error("it was read after less than a hundred times as long as it takes")
	}
	if c.find(epoch.Add(4*time.Second), &tr, read); reads != 2 {
		t.Errorf("%d reads, want one of each process", reads)
	}
}
