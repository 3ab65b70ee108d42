package strategy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// newPool returns a pool of workers p-1, p-2 … with these weights, all healthy.
func newPool(t testing.TB, weights ...int) *pool.Pool {
	t.Helper()
	p := pool.New("p", &config.Pool{}, nil)
	for i, w := range weights {
		join(t, p, i+1, 1, w)
	}
	return p
}

func join(t testing.TB, p *pool.Pool, slot, generation, weight int) *pool.Upstream {
	t.Helper()
	u, err := p.Add(pool.Spec{
		ID: fmt.Sprintf("p-%d.%d", slot, generation), Label: fmt.Sprintf("p-%d", slot),
		Network: "tcp", Address: "127.0.0.1:1", Weight: weight,
		Spawned: true, Slot: slot, Generation: generation, State: pool.Healthy,
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func equal(n int) []int {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

func newStrategy(t testing.TB, name string) Strategy {
	t.Helper()
	s, err := New(&config.Pool{Strategy: name})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs f as a subtest for every strategy.
func each(t *testing.T, f func(t *testing.T, s Strategy)) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) { f(t, newStrategy(t, name)) })
	}
}

// shareOf picks n times and returns the share of each label. hold keeps that
// many of the newest picks in flight.
func shareOf(t testing.TB, s Strategy, p *pool.Pool, n, hold int) map[string]float64 {
	t.Helper()
	shares := make(map[string]float64)
	var out []pool.Lease
	for i := range n {
		u := s.Pick(p.Snapshot(), &Request{Hash: uint64(i)})
		if u == nil {
			t.Fatalf("pick %d: nil", i)
		}
		l, err := u.Acquire()
		if err != nil {
			t.Fatalf("pick %d: acquire %s: %v", i, u.ID, err)
		}
		if out = append(out, l); len(out) > hold {
			out[0].Release(pool.Outcome{Result: pool.Success, Status: 200, Latency: time.Millisecond})
			out = out[1:]
		}
		shares[u.Label] += 1 / float64(n)
	}
	for i := range out {
		out[i].Release(pool.Outcome{Result: pool.Neutral})
	}
	return shares
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: share %.4f, want %.4f ± %.4f", what, got, want, tolerance)
	}
}

func TestNew_NamesAreComplete(t *testing.T) {
	want := "consistent-hash health-aware least-connections least-response-time power-of-two random round-robin weighted-round-robin"
	if got := strings.Join(Names(), " "); got != want {
		t.Errorf("Names() = %s", got)
	}
	_, err := New(&config.Pool{Strategy: "fastest"})
	if err == nil || !strings.Contains(err.Error(), `"fastest"`) || !strings.Contains(err.Error(), "round-robin") {
		t.Errorf("an unknown name: %v", err)
	}
	if !NeedsHash("consistent-hash") || NeedsHash("random") {
		t.Error("only consistent-hash needs the hash")
	}
}

func TestPick_NilWhenNobodyIsThere(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		p := newPool(t)
		if u := s.Pick(p.Snapshot(), &Request{}); u != nil {
			t.Errorf("empty pool: %s", u.ID)
		}
		u := join(t, p, 1, 1, 1)
		if got := s.Pick(p.Snapshot(), nil); got != u {
			t.Errorf("without a request: %v", got)
		}
		if got := s.Pick(p.Snapshot(), &Request{Tried: []*pool.Upstream{u}}); got != nil {
			t.Errorf("all tried: %s", got.ID)
		}
		p.SetWeight("p-1", 0)
		if got := s.Pick(p.Snapshot(), &Request{}); got != nil {
			t.Errorf("weight 0: %s", got.ID)
		}
		p.SetWeight("p-1", 1)
		if got := s.Pick(p.Snapshot(), &Request{}); got != u {
			t.Errorf("after weight 0: %v", got)
		}
	})
}

func TestPick_SharesAreFair(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		for _, n := range []int{2, 7, 100} {
			tolerance := 0.2 / float64(n) // statistics of the random ones; about 6% for the ring
			if _, ok := s.(*ConsistentHash); ok {
				tolerance = 0.25 / float64(n)
			}
			for label, share := range shareOf(t, s, newPool(t, equal(n)...), 1000*n, 0) {
				near(t, fmt.Sprintf("%s of %d", label, n), share, 1/float64(n), tolerance)
			}
		}
	})
}

func TestPick_WeightsAreRespected(t *testing.T) {
	weights := []int{1, 2, 5}
	f := func(name string, hold int, tolerance float64) {
		t.Helper()
		for label, share := range shareOf(t, newStrategy(t, name), newPool(t, weights...), 16000, hold) {
			var i int
			if _, err := fmt.Sscanf(label, "p-%d", &i); err != nil {
				t.Fatal(err)
			}
			near(t, name+" "+label, share, float64(weights[i-1])/8, tolerance)
		}
	}
	f("weighted-round-robin", 0, 0.0001)
	f("least-connections", 0, 0.0001)
	f("least-connections", 40, 0.01)
	f("health-aware", 0, 0.02)
	f("consistent-hash", 0, 0.06)
}

func TestPick_SkipsTried(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		p := newPool(t, equal(5)...)
		for range 200 {
			var req Request
			req.Hash = rand.Uint64()
			for range 5 {
				u := s.Pick(p.Snapshot(), &req)
				if u == nil || req.tried(u) {
					t.Fatalf("after %d tried: %v", len(req.Tried), u)
				}
				req.Tried = append(req.Tried, u)
			}
			if u := s.Pick(p.Snapshot(), &req); u != nil {
				t.Fatalf("all tried: %s", u.ID)
			}
		}
	})
}

func TestPick_NeverAnIneligibleOne(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		p := newPool(t, equal(9)...)
		p.SetHealth("p-1.1", false, nil)
		p.SetDrained("p-2.1", true)
		p.SetMaintenance("p-3.1", true)
		p.StartDrain("p-4.1")
		p.SetWeight("p-5.1", 0)
		p.Remove("p-6.1")
		for i := range 2000 {
			u := s.Pick(p.Snapshot(), &Request{Hash: uint64(i)})
			if u == nil || u.Slot < 7 {
				t.Fatalf("picked %v", u)
			}
		}
		old := p.Snapshot()
		p.StartDrain("p-7.1")
		p.SetHealth("p-8.1", false, nil)
		for i := range 2000 {
			if u := s.Pick(old, &Request{Hash: uint64(i)}); u == nil || u.Slot != 9 {
				t.Fatalf("with a snapshot from before the change: picked %v", u)
			}
		}
	})
}

func TestPick_PrefersThoseWithRoom(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		p := pool.New("p", &config.Pool{Queue: config.Queue{MaxInFlightPerWorker: 1}}, nil)
		for i := range 6 {
			join(t, p, i+1, 1, 1)
		}
		for i := range 6 { // six requests fit, whatever the strategy would like best
			if _, err := s.Pick(p.Snapshot(), &Request{Hash: 7}).Acquire(); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
		}
		u := s.Pick(p.Snapshot(), &Request{})
		if u == nil || u.Admission() != pool.Saturated {
			t.Fatalf("all saturated: %v; want one, so that Acquire names the reason", u)
		}
	})
}

func TestPick_AllocatesNothing(t *testing.T) {
	p := newPool(t, equal(1000)...)
	each(t, func(t *testing.T, s Strategy) {
		req := &Request{Tried: p.All()[:2]}
		snap := p.Snapshot()
		if n := testing.AllocsPerRun(2000, func() {
			req.Hash++
			if s.Pick(snap, req) == nil {
				t.Fatal("nil")
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestPick_ConcurrentWithChanges(t *testing.T) {
	each(t, func(t *testing.T, s Strategy) {
		p := newPool(t, 1, 2, 3, 4, 5, 6, 7, 8)
		done := make(chan struct{})
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := uint64(g); ; i += 4 {
					select {
					case <-done:
						return
					default:
					}
					u := s.Pick(p.Snapshot(), &Request{Hash: i})
					if u == nil {
						t.Error("nil, though some are always eligible")
						return
					}
					if l, err := u.Acquire(); err == nil {
						l.Release(pool.Outcome{Result: pool.Success, Status: 200, Latency: time.Millisecond})
					}
				}
			})
		}
		for i := range 400 {
			slot := 3 + i%6
			id := fmt.Sprintf("p-%d.1", slot)
			switch i % 4 {
			case 0:
				p.SetHealth(id, false, nil)
				// Nothing that was decided before a Pick is missed by it.
				for h := range 10 {
					if u := s.Pick(p.Snapshot(), &Request{Hash: uint64(h)}); u != nil && u.ID == id {
						t.Errorf("%s picked after it became unhealthy", id)
					}
				}
				p.SetHealth(id, true, nil)
			case 1:
				p.SetWeight(id, 1+i%9)
			case 2:
				p.Remove(id)
				join(t, p, slot, 1, 3)
			case 3:
				p.SetDrained(id, true)
				p.SetDrained(id, false)
			}
		}
		close(done)
		wg.Wait()
	})
}

func BenchmarkPick(b *testing.B) {
	for _, name := range Names() {
		for _, n := range []int{10, 64, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				s := newStrategy(b, name)
				p := newPool(b, equal(n)...)
				for _, u := range p.All() {
					l, err := u.Acquire()
					if err != nil {
						b.Fatal(err)
					}
					l.Report(pool.Outcome{Result: pool.Success, Status: 200, Latency: time.Millisecond}) // and stays in flight
				}
				snap, req := p.Snapshot(), &Request{}
				s.Pick(snap, req)
				b.ReportAllocs()
				for b.Loop() {
					req.Hash++
					s.Pick(snap, req)
				}
			})
		}
	}
}
