package monitor

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSampler_MeasuresEachIntervalAndForgetsWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Bool
		asked := 0
		m := NewSampler(time.Second, func() []Target {
			if gone.Load() {
				return nil
			}
			return []Target{{ID: "app-1.1", PIDs: func() []int { asked++; return []int{7} }}}
		})
		ticks := uint64(0)
		m.read = func(int) (usage, bool) { ticks += 50; return usage{start: 1, ticks: ticks}, true }
		samples := 0
		m.OnSample = func(id string, s Sample) {
			if samples++; id != "app-1.1" || s.CPUSeconds != float64(samples)/2 {
				t.Errorf("sample %d of %s: %+v", samples, id, s)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		if _, ok := m.Latest("app-1.2"); ok {
			t.Error("a sample of nobody")
		}
		time.Sleep(30*time.Second + time.Millisecond)
		synctest.Wait()
		if s, ok := m.Latest("app-1.1"); samples != 31 || !ok || s.CPU != 0.5 {
			t.Errorf("%d samples in 30 s, the last %+v", samples, s)
		}
		if asked > 12 {
			t.Errorf("the members were asked for %d times", asked)
		}
		m.SetInterval(10 * time.Second)
		synctest.Wait()
		before := samples
		gone.Store(true)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, ok := m.Latest("app-1.1"); ok || samples != before {
			t.Error("a target that is gone is still measured")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSampler_CountsNoStrangerThatGotTheNumberOfAMember(t *testing.T) {
	p := table{7: {start: 1, ticks: 100, rss: 10}, 8: {start: 2, ticks: 50, rss: 20}}
	m := NewSampler(time.Second, func() []Target {
		return []Target{{ID: "app-1.1", PIDs: func() []int { return []int{7, 8} }, MemoryLimit: 1000}}
	})
	m.read, m.count = p.read, func(int) (counters, bool) { return counters{}, true }
	now := epoch
	f := func(after time.Duration, rss uint64, cpu float64) {
		t.Helper()
		now = now.Add(after)
		m.sample(now)
		if s, _ := m.Latest("app-1.1"); s.RSS != rss || s.CPUSeconds != cpu {
			t.Errorf("%d bytes and %g s, want %d and %g", s.RSS, s.CPUSeconds, rss, cpu)
		}
	}
	f(0, 30, 1.5)
	f(20*time.Second, 30, 1.5) // an old tree: its members are asked for again in five seconds
	p[8] = usage{start: 9, ticks: 90000, rss: 5000}
	f(time.Second, 10, 1.5)
	f(time.Second, 10, 1.5)
	delete(p, 7)
	f(time.Second, 0, 1.5)
	p[7] = usage{start: 10, ticks: 90000, rss: 5000}
	f(time.Second, 0, 1.5)
}

// BenchmarkSample is one round of 16 workers; at one round a second it must stay
// far below 5 ms (0.5% of a core).
func BenchmarkSample(b *testing.B) { benchmarkSample(b, false) }

// BenchmarkSample_AllMembers is a round in which members are asked for and their
// counters read, as in each fifth.
func BenchmarkSample_AllMembers(b *testing.B) { benchmarkSample(b, true) }

func benchmarkSample(b *testing.B, list bool) {
	m := NewSampler(time.Second, func() []Target {
		out := make([]Target, 16)
		for i := range out {
			out[i] = Target{ID: string(rune('a' + i)), Group: "app", WatchLeaks: true, PIDs: func() []int { return []int{os.Getpid()} }}
		}
		return out
	})
	m.Leaks = NewLeakWatch(DefaultLeakDetector)
	now := time.Now()
	m.sample(now)
	for b.Loop() {
		for _, f := range m.trees {
			f.first = now.Add(-time.Hour)
			if f.listed = now; list {
				f.listed = time.Time{}
			}
		}
		m.sample(now)
	}
}

// BenchmarkLeakDetector is the dearest verdict, that on a leak, over all windows;
// there is one in two minutes for each worker.
func BenchmarkLeakDetector(b *testing.B) {
	t := DefaultLeakDetector.troughs()
	for _, r := range readings(8*time.Hour, 100*mb, leaking(mb)) {
		t.add(r)
	}
	for b.Loop() {
		if v := DefaultLeakDetector.judge(t.low, 1<<30); !v.Leak {
			b.Fatal(v)
		}
	}
}
