package monitor

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSampler_LooksMoreOftenNearALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rss atomic.Uint64
		m := NewSampler(10*time.Second, func() []Target {
			return []Target{
				{ID: "bound", PIDs: func() []int { return []int{7} }, MemoryLimit: 1000},
				{ID: "free", PIDs: func() []int { return []int{8} }},
			}
		})
		m.read = func(int) (usage, bool) { return usage{start: 1, rss: rss.Load(), shared: 1}, true }
		m.count = func(int) (counters, bool) { return counters{}, true }
		seen := map[string]int{}
		m.OnSample = func(id string, s Sample) {
			seen[id]++
			if s.RSS != rss.Load() || s.Shared != 1 {
				t.Errorf("%s: %+v", id, s)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		f := func(memory uint64, bound, free int) {
			t.Helper()
			rss.Store(memory)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if seen["bound"] != bound || seen["free"] != free {
				t.Errorf("with %d bytes: %v, want %d and %d", memory, seen, bound, free)
			}
			clear(seen)
		}
		rss.Store(500)
		go func() { done <- m.Run(ctx) }()
		time.Sleep(time.Millisecond) // from here on nothing happens at the same moment
		synctest.Wait()
		clear(seen)
		f(500, 10, 1)
		f(799, 10, 1)
		f(800, 37, 1) // a second passes until it is known
		f(2000, 40, 1)
		f(100, 11, 1)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTree_WeighsOnlyItsOwn(t *testing.T) {
	var tr tree
	p := table{1: {start: 1, rss: 100}, 2: {start: 2, rss: 10}, 3: {start: 3, rss: 1}}
	tr.measure(epoch, []int{1, 2, 3}, p.read)
	p[1] = usage{start: 1, rss: 150, shared: 50}
	p[2] = usage{start: 99, rss: 5000} // a stranger
	delete(p, 3)
	if s := tr.weigh(p.read); s.RSS != 150 || s.Shared != 50 || s.Processes != 3 || !s.At.Equal(epoch) {
		t.Errorf("%+v", s)
	}
}
