package strategy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/pool"
)

func TestScore_FollowsEachSign(t *testing.T) {
	well := vitals{latency: 10 * time.Millisecond, cpu: 0.5, resident: 100 << 20}
	among := peers{latency: 10 * time.Millisecond, cpu: 0.5, resident: 100 << 20}
	f := func(change func(v *vitals), least, most float64) {
		t.Helper()
		v := well
		change(&v)
		if s := score(v, among); s < least || s > most {
			t.Errorf("score %.3f, want %.2f to %.2f", s, least, most)
		}
	}
	f(func(*vitals) {}, 1, 1)
	f(func(v *vitals) { v.errorRate = 0.1 }, 0.7, 0.75)
	f(func(v *vitals) { v.errorRate = 1 }, leastScore, leastScore)
	f(func(v *vitals) { v.latency = 20 * time.Millisecond }, 0.5, 0.55)
	f(func(v *vitals) { v.latency = time.Hour }, 0.05, 0.05)
	f(func(v *vitals) { v.latency = time.Microsecond }, mostScore, mostScore)
	f(func(v *vitals) { v.latency = 0 }, 1, 1)
	f(func(v *vitals) { v.probeFailures = 2 }, 0.25, 0.25)
	f(func(v *vitals) { v.cpu = 1.4 }, 0.6, 0.65)
	f(func(v *vitals) { v.resident = 1 << 20 }, 1, 1)
	f(func(v *vitals) { v.resident = 1 << 30 }, 0.25, 0.5)
	f(func(v *vitals) { v.memory = 0.8 }, 1, 1)
	f(func(v *vitals) { v.memory = 0.9 }, 0.49, 0.51)
	f(func(v *vitals) { v.memory = 1.2 }, leastScore, leastScore)
	f(func(v *vitals) { v.eventLoopDelay = 50 * time.Millisecond }, 0.5, 0.5)
}

// settle lets the weights reach their targets: each step is a report, which moves the pool's clock, and a pick.
func settle(t testing.TB, s Strategy, p *pool.Pool) {
	t.Helper()
	for range 40 {
		time.Sleep(refreshEvery)
		l, err := p.Get("p-1").Acquire()
		if err != nil {
			t.Fatal(err)
		}
		l.Release(pool.Outcome{Result: pool.Success, Status: 200, Latency: 10 * time.Millisecond})
		s.Pick(p.Snapshot(), &Request{})
	}
}

func picksOf(s Strategy, p *pool.Pool, n int) map[int]float64 {
	counts := map[int]float64{}
	for range n {
		counts[s.Pick(p.Snapshot(), &Request{}).Slot] += 1 / float64(n)
	}
	return counts
}

func TestHealthAware_SendsLessToTheIll(t *testing.T) {
	f := func(what string, make func(t *testing.T, u *pool.Upstream), least, most float64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s, p := NewHealthAware(), newPool(t, equal(4)...)
			for _, u := range p.All() {
				answer(t, u, 20, 10*time.Millisecond)
				u.SetLoad(pool.Load{CPU: 0.3, MemoryRatio: 0.5, EventLoopDelay: time.Millisecond})
			}
			s.Pick(p.Snapshot(), &Request{})
			make(t, p.Get("p-3"))
			settle(t, s, p)
			if share := picksOf(s, p, 10000)[3]; share < least || share > most {
				t.Errorf("%s: share %.3f, want %.3f to %.3f", what, share, least, most)
			}
		})
	}
	f("nothing", func(*testing.T, *pool.Upstream) {}, 0.24, 0.26)
	f("errors", func(t *testing.T, u *pool.Upstream) {
		report(t, u, 300, pool.Outcome{Result: pool.Success, Status: 500})
	}, 0.005, 0.03)
	f("slow", func(t *testing.T, u *pool.Upstream) { answer(t, u, 300, 100*time.Millisecond) }, 0.05, 0.17)
	f("probes", func(_ *testing.T, u *pool.Upstream) { u.SetProbe(pool.ProbeStatus{Failures: 2}) }, 0.06, 0.09)
	f("CPU", func(_ *testing.T, u *pool.Upstream) { u.SetLoad(pool.Load{CPU: 1}) }, 0.1, 0.2)
	f("memory", func(_ *testing.T, u *pool.Upstream) { u.SetLoad(pool.Load{CPU: 0.3, MemoryRatio: 0.95}) }, 0.05, 0.1)
	f("event loop", func(_ *testing.T, u *pool.Upstream) {
		u.SetLoad(pool.Load{CPU: 0.3, EventLoopDelay: 150 * time.Millisecond})
	}, 0.06, 0.1)
}

func TestHealthAware_RecoversWithTheUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := NewHealthAware(), newPool(t, equal(4)...)
		for _, u := range p.All() {
			answer(t, u, 20, 10*time.Millisecond)
		}
		report(t, p.Get("p-2"), 500, pool.Outcome{Result: pool.Success, Status: 500})
		settle(t, s, p)
		if share := picksOf(s, p, 2000)[2]; share == 0 || share > 0.05 {
			t.Fatalf("share while ill: %.4f", share)
		}
		// Its small share of the traffic, all answered well, brings it back.
		for range 6000 {
			answer(t, s.Pick(p.Snapshot(), &Request{}), 1, 10*time.Millisecond)
		}
		if share := picksOf(s, p, 2000)[2]; share < 0.2 {
			t.Errorf("share after recovery: %.4f", share)
		}
	})
}

func TestHealthAware_WeightsMoveSmoothly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := NewHealthAware(), newPool(t, equal(2)...)
		s.Pick(p.Snapshot(), &Request{})
		answer(t, p.Get("p-1"), 1, 10*time.Millisecond)
		p.Get("p-2").SetProbe(pool.ProbeStatus{Failures: 4})
		time.Sleep(refreshEvery)
		answer(t, p.Get("p-1"), 1, 10*time.Millisecond)
		if share := picksOf(s, p, 10000)[2]; share < 0.3 {
			t.Errorf("share after one refresh %.3f: fell at once", share)
		}
		settle(t, s, p)
		if share := picksOf(s, p, 10000)[2]; share > 0.1 {
			t.Errorf("share at last %.3f", share)
		}
	})
}

func TestHealthAware_RefreshAllocatesNothing(t *testing.T) {
	s, p := NewHealthAware(), newPool(t, equal(1000)...)
	s.Pick(p.Snapshot(), &Request{})
	shares := s.tables.of(p.Snapshot())
	if n := testing.AllocsPerRun(20, func() {
		shares.due.Store(0)
		shares.refresh(time.Second)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
