package pool

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPool_KnowsWhoMayReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New("p", settings("a"), nil)
		f := func(label string, want bool) {
			t.Helper()
			if got := p.MayReturn(label); got != want {
				t.Errorf("%s: %v", label, got)
			}
		}
		f("p-1", true) // it may not have joined yet
		time.Sleep(time.Minute)
		f("a", true)
		f("p-1", false)
		if _, err := p.Add(worker(1, 1, Starting)); err != nil {
			t.Fatal(err)
		}
		f("p-1", true)
		if u := p.Snapshot().Labeled([]byte("p-1")); u != nil {
			t.Errorf("%s is starting", u.ID)
		}
		p.SetHealth("p-1.1", true, nil)
		if _, err := p.Add(worker(1, 2, Healthy)); err != nil {
			t.Fatal(err)
		}
		if u := p.Snapshot().Labeled([]byte("p-1")); u == nil || u.Generation != 2 {
			t.Errorf("of two generations: %v", u)
		}
		p.Remove("p-1.1")
		p.Remove("p-1.2")
		time.Sleep(59 * time.Second)
		f("p-1", true)
		time.Sleep(time.Second)
		f("p-1", false)
		f("", false)
	})
}
