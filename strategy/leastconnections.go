package strategy

import (
	"sync/atomic"

	"github.com/drover-proxy/drover/pool"
)

// LeastConnections picks the upstream with the fewest requests in flight for
// its weight. Up to exactUpTo upstreams it looks at all of them; above, it
// takes the best of a sample of sampleOf, whose first member is whose turn it
// is, so that every upstream is looked at regularly. Where several are equal,
// as when all are idle, the turns follow the weights.
type LeastConnections struct {
	turn   atomic.Uint64
	tables tables[wheel]
}

const (
	exactUpTo = 64
	sampleOf  = 4
)

// NewLeastConnections returns a LeastConnections.
func NewLeastConnections() *LeastConnections {
	return &LeastConnections{tables: tables[wheel]{build: wheelOfWeights}}
}

// Pick implements Strategy.
func (s *LeastConnections) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	ups := snap.Upstreams
	n := len(ups)
	if n == 0 {
		return nil
	}
	w, warm, start := s.tables.of(snap), warmupOf(snap), 0
	for range warm.tries(1) {
		if w != nil {
			start = w.at(s.turn.Add(1)-1) % n
		}
		if warm.takes(ups[start]) {
			break
		}
	}
	var least fewest
	all := warm.now == 0
	if n <= exactUpTo {
		for i := range ups {
			j := start + i
			if j >= n {
				j -= n
			}
			// One in slow start has few requests in flight and would get all that
			// come until it is as busy as the others: it is only looked at when
			// its turn has come.
			if all || i == 0 || warm.full(ups[j]) {
				least.consider(ups[j], req)
			}
			if least.upstream != nil && least.inFlight == 0 {
				break // nothing is less, and equals wait for their turn
			}
		}
	} else {
		least.consider(ups[start], req)
		for d, i := newDraw(), 1; i < sampleOf; i++ {
			if u := ups[d.index(n)]; warm.full(u) {
				least.consider(u, req)
			}
		}
	}
	if least.upstream != nil {
		return least.upstream
	}
	return scan(ups, req, start)
}

// fewest keeps the usable upstream with the fewest requests for its weight;
// of equals the first.
type fewest struct {
	upstream         *pool.Upstream
	inFlight, weight int64
}

func (f *fewest) consider(u *pool.Upstream, req *Request) {
	inFlight, weight := u.InFlight(), int64(max(u.Weight(), 1))
	// inFlight/weight < f.inFlight/f.weight, without dividing
	if (f.upstream == nil || inFlight*f.weight < f.inFlight*weight) && usable(u, req) {
		f.upstream, f.inFlight, f.weight = u, inFlight, weight
	}
}
