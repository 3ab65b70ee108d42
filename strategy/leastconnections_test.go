package strategy

import (
	"testing"

	"github.com/drover-proxy/drover/pool"
)

func hold(t testing.TB, p *pool.Pool, id string, n int) {
	t.Helper()
	for range n {
		if _, err := p.Get(id).Acquire(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeastConnections_ExactUpTo64(t *testing.T) {
	for _, n := range []int{2, 10, exactUpTo} {
		s, p := NewLeastConnections(), newPool(t, equal(n)...)
		for _, u := range p.All() {
			hold(t, p, u.ID, 3)
		}
		for want := range n { // each has the fewest once
			id := p.All()[want].ID
			p.Remove(id)
			u := join(t, p, want+1, 2, 1)
			hold(t, p, u.ID, 2)
			for range 2 {
				if got := s.Pick(p.Snapshot(), &Request{}); got != u {
					t.Fatalf("%d upstreams: picked %s with %d in flight, want %s", n, got.ID, got.InFlight(), u.ID)
				}
			}
			hold(t, p, u.ID, 1)
		}
	}
}

func TestLeastConnections_FollowsInFlightForWeight(t *testing.T) {
	s, p := NewLeastConnections(), newPool(t, 1, 4)
	hold(t, p, "p-1", 1)
	hold(t, p, "p-2", 3)
	if u := s.Pick(p.Snapshot(), &Request{}); u.Slot != 2 { // 3/4 < 1/1
		t.Errorf("picked %s", u.ID)
	}
	hold(t, p, "p-2", 2)
	if u := s.Pick(p.Snapshot(), &Request{}); u.Slot != 1 { // 5/4 > 1/1
		t.Errorf("picked %s", u.ID)
	}
}

func TestLeastConnections_SampleAvoidsTheBusy(t *testing.T) {
	s, p := NewLeastConnections(), newPool(t, equal(200)...)
	for i, u := range p.All() {
		if i%2 == 0 {
			hold(t, p, u.ID, 10)
		}
	}
	busy := 0
	for range 10000 {
		if s.Pick(p.Snapshot(), &Request{}).InFlight() > 0 {
			busy++
		}
	}
	if busy > 1000 { // a sixteenth is to be expected
		t.Errorf("%d of 10000 picks went to the busy half", busy)
	}
}

func TestPowerOfTwo_PrefersTheLessBusy(t *testing.T) {
	s, p := NewPowerOfTwo(), newPool(t, equal(2)...)
	hold(t, p, "p-1", 1)
	for range 100 {
		if u := s.Pick(p.Snapshot(), &Request{}); u.Slot != 2 {
			t.Fatalf("picked %s", u.ID)
		}
	}
}
