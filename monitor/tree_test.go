package monitor

import (
	"maps"
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// table is a process table of a test.
type table map[int]usage

func (p table) read(pid int) (usage, bool) { u, ok := p[pid]; return u, ok }

func TestTree_AddsUpItsMembers(t *testing.T) {
	var tr tree
	p := table{
		1: {ticks: 100, start: 1, rss: 1000, openFiles: 5, threads: 2},
		2: {ticks: 50, start: 2, parent: 1, rss: 500, openFiles: 3, threads: 1},
		3: {ticks: 7, start: 3, parent: 1, rss: 0, dead: true},
	}
	s := tr.measure(epoch, []int{1, 2, 3, 99}, p.read)
	if s.CPUSeconds != 1.57 || s.CPU != 0 || s.RSS != 1500 || s.OpenFiles != 8 || s.Threads != 3 || s.Processes != 2 {
		t.Errorf("first: %+v", s)
	}
	p[1] = usage{ticks: 150, start: 1, rss: 2000, threads: 2}
	s = tr.measure(epoch.Add(2*time.Second), []int{1, 2, 3}, p.read)
	if s.CPUSeconds != 2.07 || s.CPU < 0.2499 || s.CPU > 0.2501 {
		t.Errorf("half a second of CPU in two: %+v", s)
	}
}

func TestTree_CounterNeverDecreases(t *testing.T) {
	var tr tree
	last := 0.0
	f := func(p table, want float64) {
		t.Helper()
		pids := slices.Collect(maps.Keys(p))
		s := tr.measure(tr.last.At.Add(time.Second), pids, p.read)
		if s.CPUSeconds < last || s.CPUSeconds != want || s.CPU < 0 {
			t.Errorf("%g after %g, want %g (CPU %g)", s.CPUSeconds, last, want, s.CPU)
		}
		last = s.CPUSeconds
	}
	f(table{1: {ticks: 100, start: 1}, 2: {ticks: 300, start: 2, parent: 1}}, 4)
	// the child ended after another half second, and its parent waited for it
	f(table{1: {ticks: 100, start: 1, reaped: 350}}, 4.5)
	// a child came and went unseen
	f(table{1: {ticks: 100, start: 1, reaped: 400}}, 5)
	// a new child, which had children of its own before
	f(table{1: {ticks: 100, start: 1, reaped: 400}, 5: {ticks: 100, reaped: 50, start: 9, parent: 1}}, 6.5)
	// it went, and nobody waited for it; its number went to a stranger
	f(table{1: {ticks: 100, start: 1, reaped: 400}, 5: {ticks: 100000, start: 50}}, 6.5)
	f(table{}, 6.5)
}

func TestTree_ReparentedMemberIsNotCountedTwice(t *testing.T) {
	var tr tree
	f := func(p table, want float64) {
		t.Helper()
		s := tr.measure(tr.last.At.Add(time.Second), slices.Collect(maps.Keys(p)), p.read)
		if s.CPUSeconds != want {
			t.Errorf("%g, want %g", s.CPUSeconds, want)
		}
	}
	f(table{1: {start: 1}, 2: {ticks: 100, start: 2, parent: 1}, 3: {ticks: 200, start: 3, parent: 2}}, 3)
	f(table{1: {start: 1, reaped: 100}, 3: {ticks: 200, start: 3, parent: 1}}, 3)
	f(table{1: {start: 1, reaped: 300}}, 3)
}
