package strategy

import (
	"math/rand/v2"

	"github.com/drover-proxy/drover/pool"
)

// Random draws an upstream; all are equally likely. Weights are not looked at.
type Random struct{}

// NewRandom returns a Random.
func NewRandom() *Random { return &Random{} }

// Pick implements Strategy.
func (*Random) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	n := len(snap.Upstreams)
	if n == 0 {
		return nil
	}
	w, i := warmupOf(snap), 0
	for range w.tries(1) {
		i = rand.IntN(n)
		if u := snap.Upstreams[i]; usable(u, req) && w.takes(u) {
			return u
		}
	}
	return scan(snap.Upstreams, req, i+1)
}
