package strategy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/pool"
)

// answer reports n answers of u with this latency, a millisecond apart.
func answer(t testing.TB, u *pool.Upstream, n int, latency time.Duration) {
	t.Helper()
	report(t, u, n, pool.Outcome{Result: pool.Success, Status: 200, Latency: latency})
}

func report(t testing.TB, u *pool.Upstream, n int, o pool.Outcome) {
	t.Helper()
	for range n {
		l, err := u.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		l.Release(o)
	}
}

func TestLeastResponseTime_PrefersTheFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := NewLeastResponseTime(), newPool(t, equal(3)...)
		answer(t, p.Get("p-1"), 10, 20*time.Millisecond)
		answer(t, p.Get("p-2"), 10, 2*time.Millisecond)
		answer(t, p.Get("p-3"), 10, 20*time.Millisecond)
		for range 10 {
			if u := s.Pick(p.Snapshot(), &Request{}); u.Slot != 2 {
				t.Fatalf("picked %s", u.ID)
			}
		}
		hold(t, p, "p-2", 30) // 31 × 2 ms is later than 1 × 20 ms
		if u := s.Pick(p.Snapshot(), &Request{}); u.Slot == 2 {
			t.Error("picked the fast one though its line is long")
		}
	})
}

func TestLeastResponseTime_NewcomerIsAverage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := NewLeastResponseTime(), newPool(t, equal(3)...)
		answer(t, p.Get("p-1"), 10, 10*time.Millisecond)
		answer(t, p.Get("p-2"), 10, 30*time.Millisecond)
		counts := map[int]int{}
		for range 30 {
			u := s.Pick(p.Snapshot(), &Request{})
			hold(t, p, u.ID, 1)
			counts[u.Slot]++
		}
		// Latencies 10, 30 and, unknown, 20: shares as 6 to 2 to 3.
		if counts[1] < 15 || counts[3] < 6 || counts[3] > 11 || counts[2] < 4 {
			t.Errorf("picks by slot: %v", counts)
		}
	})
}

func TestLeastResponseTime_SlowOnceIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := NewLeastResponseTime(), newPool(t, equal(2)...)
		answer(t, p.Get("p-1"), 1, 5*time.Second)
		answer(t, p.Get("p-2"), 1, time.Millisecond)
		start := time.Now()
		for s.Pick(p.Snapshot(), &Request{}).Slot != 1 {
			answer(t, p.Get("p-2"), 1, time.Millisecond)
			time.Sleep(100 * time.Millisecond)
			if time.Since(start) > 2*time.Minute {
				t.Fatal("never")
			}
		}
		if d := time.Since(start); d < 5*time.Second {
			t.Errorf("tried again after %s already", d)
		}
	})
}
