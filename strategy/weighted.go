package strategy

import (
	"sync/atomic"

	"github.com/drover-proxy/drover/pool"
)

// Weighted is weighted round robin: over as many picks as the weights add up
// to (divided by what they have in common) each upstream is picked exactly as
// often as its weight says, and the picks of one are spread evenly.
type Weighted struct {
	turn   atomic.Uint64
	tables tables[wheel]
}

// NewWeighted returns a Weighted.
func NewWeighted() *Weighted { return &Weighted{tables: tables[wheel]{build: wheelOfWeights}} }

// Pick implements Strategy.
func (s *Weighted) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	if len(snap.Upstreams) == 0 {
		return nil
	}
	return turnWheel(s.tables.of(snap), &s.turn, snap, req)
}

// turnTries is how many turns are taken before all are looked at in order: the
// share of one that is not usable goes to all others, not to its neighbour.
const turnTries = 4

func turnWheel(w *wheel, turn *atomic.Uint64, snap *pool.Snapshot, req *Request) *pool.Upstream {
	if w == nil { // of an empty snapshot
		return scan(snap.Upstreams, req, 0)
	}
	warm, i := warmupOf(snap), 0
	for range warm.tries(turnTries) {
		i = w.at(turn.Add(1) - 1)
		if i >= len(snap.Upstreams) { // the wheel is of another snapshot
			continue
		}
		if u := snap.Upstreams[i]; usable(u, req) && warm.takes(u) {
			return u
		}
	}
	return scan(snap.Upstreams, req, i+1)
}

// wheelOfWeights returns a wheel with an arc for the weight of each upstream.
func wheelOfWeights(snap *pool.Snapshot, _ *wheel) *wheel {
	ups := snap.Upstreams
	if len(ups) == 0 {
		return nil
	}
	weights := make([]uint64, len(ups))
	common, total := uint64(0), uint64(0)
	for i, u := range ups {
		weights[i] = max(uint64(u.Weight()), 1) // 0 since the snapshot: it is about to leave
		common = gcd(weights[i], common)
		total += weights[i]
	}
	w := newWheel(len(ups), total/common)
	end := uint64(0)
	w.cut(func(i int) uint64 {
		end += weights[i] / common
		return end
	})
	return w
}
