package monitor

import (
	"testing"
	"time"
)

func TestLeakWatch_TellsOnceAndComparesSiblings(t *testing.T) {
	w := NewLeakWatch(DefaultLeakDetector)
	told := map[string]Verdict{}
	w.OnLeak = func(target Target, v Verdict) {
		if _, twice := told[target.ID]; twice {
			t.Errorf("%s was told twice", target.ID)
		}
		told[target.ID] = v
	}
	host := HostSample{MemoryAvailable: 4000 * mb}
	round := func(at time.Duration) (all []measured) {
		add := func(id, group string, watch bool, limit uint64, began time.Duration, perMinute float64) {
			if at < began {
				return
			}
			age := at - began
			all = append(all, measured{
				Target{ID: id, Group: group, WatchLeaks: watch, MemoryLimit: limit, Requests: uint64(age / time.Second)},
				charged(Sample{At: epoch.Add(at), RSS: uint64(100*mb + perMinute*mb*age.Minutes()), Processes: 1}, 0),
			})
		}
		add("app-1.1", "app", true, 500*mb, 0, 1)
		add("app-2.1", "app", true, 500*mb, 0, 0)
		add("app-3.1", "app", false, 500*mb, 0, 1)
		add("app-4.2", "app", true, 500*mb, 2*time.Hour, 1)
		add("web-1.1", "web", true, 0, 0, 1)
		return all
	}
	for at := time.Duration(0); at <= 3*time.Hour; at += 10 * time.Second {
		w.observe(round(at), host)
		if at == 80*time.Minute && len(told) != 2 {
			t.Errorf("after %s: %v", at, told)
		}
	}
	if len(told) != 2 {
		t.Errorf("%d were told of, want the two that leak, are watched and are old enough", len(told))
	}
	v, ok := w.Verdict("app-1.1")
	if !ok || !v.Leak || v.Limit != 500*mb || v.Younger != 1 || v.YoungerBytes < 150*mb || v.YoungerBytes > 160*mb || v.PerRequest < 0.9*mb/60 || v.PerRequest > 1.1*mb/60 {
		t.Errorf("app-1.1: %v, %+v", ok, v)
	}
	if v, _ := w.Verdict("app-2.1"); v.Leak || v.Younger != 1 {
		t.Errorf("app-2.1: %+v", v)
	}
	if _, ok := w.Verdict("app-3.1"); ok {
		t.Error("app-3.1 is not watched, and was judged")
	}
	// A fifth of what is left of the machine.
	if v, _ := w.Verdict("web-1.1"); !v.Leak || v.Younger != 0 || v.Limit < 1070*mb || v.Limit > 1090*mb {
		t.Errorf("web-1.1: %+v", v)
	}
	w.observe(nil, host)
	if _, ok := w.Verdict("app-1.1"); ok {
		t.Error("app-1.1 is gone, and has a verdict")
	}
}

// charged counts a sample against a limit, without what is shared.
func charged(s Sample, shared uint64) Sample {
	s.Charged = s.RSS - shared
	return s
}

func TestLeakWatch_WhatProcessesShareIsStillLeftUntilTheLimit(t *testing.T) {
	f := func(shared uint64, want time.Duration) {
		t.Helper()
		w := NewLeakWatch(DefaultLeakDetector)
		for at := time.Duration(0); at <= 2*time.Hour; at += 10 * time.Second {
			s := charged(Sample{At: epoch.Add(at), RSS: uint64(500*mb + mb*at.Minutes()), Processes: 5}, shared)
			w.observe([]measured{{Target{ID: "app-1.1", WatchLeaks: true, MemoryLimit: 800 * mb}, s}}, HostSample{})
		}
		if v, _ := w.Verdict("app-1.1"); !v.Leak || v.Limit != 800*mb || v.ToLimit < want-5*time.Minute || v.ToLimit > want+5*time.Minute {
			t.Errorf("with %d MB shared: %+v, want %s until the limit", shared>>20, v, want)
		}
	}
	f(0, 3*time.Hour)          // 620 MB by now
	f(400*mb, 580*time.Minute) // 220 MB
}

func TestLeakWatch_WithoutALimitThereIsNoTimeUntilIt(t *testing.T) {
	w := NewLeakWatch(DefaultLeakDetector)
	for at := time.Duration(0); at <= 2*time.Hour; at += 10 * time.Second {
		s := charged(Sample{At: epoch.Add(at), RSS: uint64(500*mb + mb*at.Minutes()), Processes: 1}, 0)
		w.observe([]measured{{Target{ID: "app-1.1", WatchLeaks: true}, s}}, HostSample{}) // nor is it known what the machine has left
	}
	if v, _ := w.Verdict("app-1.1"); !v.Leak || v.Limit != 0 || v.ToLimit != 0 {
		t.Errorf("%+v", v)
	}
}
