package strategy

import (
	"math/rand/v2"
	"testing"

	"github.com/drover-proxy/drover/pool"
)

const keys = 20000

// ownersOf returns the label of each key's upstream.
func ownersOf(t testing.TB, s Strategy, p *pool.Pool) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]string, keys)
	for i := range out {
		u := s.Pick(p.Snapshot(), &Request{Hash: r.Uint64()})
		if u == nil {
			t.Fatal("nil")
		}
		out[i] = u.Label
	}
	return out
}

// moved counts the keys that changed their owner, and those of them that were not owned by from or are not by to.
func moved(before, after []string, from, to string) (all, needless int) {
	for i := range before {
		if before[i] != after[i] {
			all++
			if before[i] != from && after[i] != to {
				needless++
			}
		}
	}
	return all, needless
}

func TestConsistentHash_OnlyKeysOfTheRemovedMove(t *testing.T) {
	s := NewConsistentHash()
	p := newPool(t, equal(10)...)
	before := ownersOf(t, s, p)
	p.Remove("p-4.1")
	without := ownersOf(t, s, p)
	if all, needless := moved(before, without, "p-4", ""); needless != 0 || all == 0 {
		t.Errorf("removal moved %d keys, %d of them without need", all, needless)
	}
	heirs := map[string]int{}
	for i := range before {
		if before[i] == "p-4" {
			heirs[without[i]]++
		}
	}
	if len(heirs) != 9 {
		t.Errorf("the keys went to %d others, want 9: %v", len(heirs), heirs)
	}
	// A strategy that never knew the removed one agrees.
	if all, _ := moved(without, ownersOf(t, NewConsistentHash(), p), "", ""); all != 0 {
		t.Errorf("a fresh ring differs in %d keys", all)
	}
}

func TestConsistentHash_RestartKeepsTheKeys(t *testing.T) {
	s := NewConsistentHash()
	p := newPool(t, equal(5)...)
	before := ownersOf(t, s, p)
	join(t, p, 3, 2, 1) // the next generation joins while the old one is there
	if all, _ := moved(before, ownersOf(t, s, p), "", ""); all != 0 {
		t.Errorf("%d keys moved", all)
	}
	if u := s.Pick(p.Snapshot(), &Request{Hash: hashOf(t, s, p, "p-3")}); u.Generation != 2 {
		t.Errorf("picked %s, want the newer generation", u.ID)
	}
	p.Remove("p-3.1")
	if all, _ := moved(before, ownersOf(t, s, p), "", ""); all != 0 {
		t.Errorf("after the old one left: %d keys moved", all)
	}
}

func hashOf(t testing.TB, s Strategy, p *pool.Pool, label string) uint64 {
	t.Helper()
	for h := range uint64(10000) {
		if s.Pick(p.Snapshot(), &Request{Hash: h}).Label == label {
			return h
		}
	}
	t.Fatalf("no key leads to %s", label)
	return 0
}

func TestConsistentHash_AdditionMovesItsShareOnly(t *testing.T) {
	s := NewConsistentHash()
	p := newPool(t, equal(9)...)
	before := ownersOf(t, s, p)
	join(t, p, 10, 1, 1)
	all, needless := moved(before, ownersOf(t, s, p), "", "p-10")
	if needless != 0 || all > keys/10*13/10 || all < keys/10*7/10 {
		t.Errorf("addition moved %d of %d keys, %d without need", all, keys, needless)
	}
}

func TestConsistentHash_WeightChangeMovesTheDifferenceOnly(t *testing.T) {
	s := NewConsistentHash()
	p := newPool(t, 2, 2, 2, 2)
	before := ownersOf(t, s, p)
	p.SetWeight("p-2.1", 4)
	all, needless := moved(before, ownersOf(t, s, p), "", "p-2")
	if needless != 0 || all == 0 || all > keys*25/100 {
		t.Errorf("a weight moved %d of %d keys, %d without need", all, keys, needless)
	}
}

func TestConsistentHash_EverybodyGoneAndBack(t *testing.T) {
	s := NewConsistentHash()
	p := newPool(t, equal(4)...)
	before := ownersOf(t, s, p)
	for _, u := range p.All() {
		p.SetHealth(u.ID, false, nil)
	}
	if u := s.Pick(p.Snapshot(), &Request{}); u != nil {
		t.Fatalf("picked %s", u.ID)
	}
	for _, u := range p.All() {
		p.SetHealth(u.ID, true, nil)
	}
	if all, _ := moved(before, ownersOf(t, s, p), "", ""); all != 0 {
		t.Errorf("%d keys moved", all)
	}
}

func TestConsistentHash_ForgetsLabelsThatLeft(t *testing.T) {
	s := NewConsistentHash()
	p := newPool(t, equal(10)...)
	s.Pick(p.Snapshot(), &Request{})
	for i, u := range p.All() {
		if i < 6 {
			p.Remove(u.ID)
		}
	}
	s.Pick(p.Snapshot(), &Request{})
	if n := len(s.tables.of(p.Snapshot()).weights); n != 4 {
		t.Errorf("the ring has %d labels, want 4", n)
	}
}

func TestConsistentHash_HugeWeightsStayBounded(t *testing.T) {
	weights := make([]int, 1000)
	for i := range weights {
		weights[i] = 256
	}
	r := newRing(newPool(t, weights...).Snapshot(), nil)
	if len(r.hashes) > mostPoints || len(r.hashes) < mostPoints/2-1000 {
		t.Errorf("%d points", len(r.hashes))
	}
}

func FuzzRing_AtFindsTheNextPoint(f *testing.F) {
	r := newRing(newPool(f, 1, 2, 3).Snapshot(), nil)
	f.Add(uint32(0))
	f.Add(^uint32(0))
	f.Add(r.hashes[5])
	f.Fuzz(func(t *testing.T, h uint32) {
		want := 0
		for i, point := range r.hashes {
			if point >= h {
				want = i
				break
			}
		}
		if got := r.at(h); got != want {
			t.Errorf("at(%d) = %d, want %d", h, got, want)
		}
	})
}
