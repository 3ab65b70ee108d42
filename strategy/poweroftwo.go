package strategy

import (
	"math/rand/v2"

	"github.com/drover-proxy/drover/pool"
)

// PowerOfTwo draws two upstreams and takes the one with fewer requests in
// flight. Weights are not looked at.
type PowerOfTwo struct{}

// NewPowerOfTwo returns a PowerOfTwo.
func NewPowerOfTwo() *PowerOfTwo { return &PowerOfTwo{} }

// Pick implements Strategy.
func (*PowerOfTwo) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	ups := snap.Upstreams
	n := len(ups)
	if n == 0 {
		return nil
	}
	if n == 1 {
		return scan(ups, req, 0)
	}
	w, d, i := warmupOf(snap), newDraw(), 0
	for range w.tries(1) {
		i = d.index(n)
		a := ups[i]
		// The second is another one: a step of 1 to n-1 from the first.
		b := ups[(i+1+d.index(n-1))%n]
		switch ua, ub := usable(a, req) && w.takes(a), usable(b, req) && w.takes(b); {
		case ua && ub:
			if b.InFlight() < a.InFlight() {
				return b
			}
			return a
		case ua:
			return a
		case ub:
			return b
		}
	}
	return scan(ups, req, i)
}

// draw is a handful of random indexes for one Pick, out of a single random
// number: a step of a generator costs less than asking the runtime's again.
type draw uint64

func newDraw() draw { return draw(rand.Uint64() | 1) }

// index returns the next index below n (1 to 1<<32).
func (d *draw) index(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator; its high bits are the good ones
	return int(uint64(*d) >> 32 * uint64(n) >> 32)
}

// fraction returns the next number from 0 to 1, without 1.
func (d *draw) fraction() float64 { return float64(d.index(1<<30)) / (1 << 30) }
