package strategy

import (
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/pool"
)

// LeastResponseTime picks the upstream where an answer is likely to come
// first: its average latency times the requests that would then be in flight.
// Up to compareUpTo upstreams it looks at all of them, above that at a sample,
// whose first member is whose turn it is. One that has not answered yet counts
// as average; one that was slow is tried again later, since its latency is
// forgotten while nothing is sent to it. Weights are not looked at.
type LeastResponseTime struct{ turn atomic.Uint64 }

// compareUpTo is how many upstreams are compared without drawing a sample.
const compareUpTo = 8

// NewLeastResponseTime returns a LeastResponseTime.
func NewLeastResponseTime() *LeastResponseTime { return &LeastResponseTime{} }

// Pick implements Strategy.
func (s *LeastResponseTime) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	ups := snap.Upstreams
	n := len(ups)
	if n == 0 {
		return nil
	}
	warm, start := warmupOf(snap), 0
	for range warm.tries(1) {
		start = int((s.turn.Add(1) - 1) % uint64(n))
		if warm.takes(ups[start]) {
			break
		}
	}
	soon := soonest{now: snap.Clock()}
	if n <= compareUpTo {
		for i := range ups {
			if u := ups[(start+i)%n]; i == 0 || warm.full(u) { // in slow start only when its turn has come
				soon.consider(u, req)
			}
		}
	} else {
		soon.consider(ups[start], req)
		for d, i := newDraw(), 1; i < sampleOf; i++ {
			if u := ups[d.index(n)]; warm.full(u) {
				soon.consider(u, req)
			}
		}
	}
	if u := soon.best(); u != nil {
		return u
	}
	return scan(ups, req, start)
}

// soonest compares upstreams by latency and requests in flight. Those whose
// latency is not known are kept apart until the average of the others is.
type soonest struct {
	now time.Duration

	known, unknown         *pool.Upstream
	knownCost, unknownLoad float64
	sum                    float64 // of the known latencies
	count                  int
}

func (s *soonest) consider(u *pool.Upstream, req *Request) {
	if !usable(u, req) {
		return
	}
	load := float64(u.InFlight() + 1)
	if u.Latency() == 0 {
		if s.unknown == nil || load < s.unknownLoad {
			s.unknown, s.unknownLoad = u, load
		}
		return
	}
	latency := float64(max(u.LatencyAt(s.now), 1))
	s.sum += latency
	s.count++
	if cost := latency * load; s.known == nil || cost < s.knownCost {
		s.known, s.knownCost = u, cost
	}
}

func (s *soonest) best() *pool.Upstream {
	if s.known == nil || s.unknown == nil {
		if s.known == nil {
			return s.unknown
		}
		return s.known
	}
	if s.unknownLoad*s.sum/float64(s.count) <= s.knownCost {
		return s.unknown
	}
	return s.known
}
