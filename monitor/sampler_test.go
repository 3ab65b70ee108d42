package monitor

import (
	"context"
	"os"
	"os/exec"
	"runtime"
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

func TestSampler_SeesRealProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: needs /proc")
	}
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer func() {
		_, _ = cmd.Process.Kill(), cmd.Wait() // it ends by the signal
	}()
	m := NewSampler(20*time.Millisecond, func() []Target {
		return []Target{
			{ID: "me", PIDs: func() []int { return []int{os.Getpid()} }},
			{ID: "spin", PIDs: func() []int { return []int{cmd.Process.Pid} }},
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m.OnSample = func(id string, s Sample) {
		if id == "spin" && s.CPUSeconds > 0.1 {
			cancel()
		}
	}
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s, _ := m.Latest("spin"); s.CPUSeconds <= 0.1 || s.Processes != 1 {
		t.Errorf("a busy process: %+v", s)
	}
	if s, _ := m.Latest("me"); s.RSS < 1<<20 || s.OpenFiles < 3 || s.Threads < 2 || s.Processes != 1 {
		t.Errorf("this process: %+v", s)
	}
	h := m.Host()
	if h.CPU <= 0 || h.CPU > 1 || h.Cores < 1 || h.MemoryTotal < 1<<20 || h.MemoryUsed() == 0 || h.MemoryUsed() >= h.MemoryTotal {
		t.Errorf("host: %+v", h)
	}
}

// BenchmarkSample is one round of 16 workers; at one round a second it must stay
// far below 5 ms (0.5% of a core).
func BenchmarkSample(b *testing.B) {
	m := NewSampler(time.Second, func() []Target {
		out := make([]Target, 16)
		for i := range out {
			out[i] = Target{ID: string(rune('a' + i)), PIDs: func() []int { return []int{os.Getpid()} }}
		}
		return out
	})
	for b.Loop() {
		m.sample(time.Now())
	}
}
