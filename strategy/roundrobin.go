package strategy

import (
	"sync/atomic"

	"github.com/drover-proxy/drover/pool"
)

// RoundRobin gives each upstream its turn. Weights are not looked at.
type RoundRobin struct{ turn atomic.Uint64 }

// NewRoundRobin returns a RoundRobin.
func NewRoundRobin() *RoundRobin { return &RoundRobin{} }

// Pick implements Strategy.
func (s *RoundRobin) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	n := len(snap.Upstreams)
	if n == 0 {
		return nil
	}
	w, i := warmupOf(snap), 0
	for range w.tries(1) {
		i = int((s.turn.Add(1) - 1) % uint64(n))
		if u := snap.Upstreams[i]; usable(u, req) && w.takes(u) {
			return u
		}
	}
	return scan(snap.Upstreams, req, i+1)
}
