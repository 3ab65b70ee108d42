package strategy

import (
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/pool"
)

// HealthAware is weighted round robin with weights that follow how well each
// upstream has been doing: its error rate, its latency beside the others',
// failed probes, CPU beside the others', memory and event-loop delay of a
// worker where they are known, all times the configured weight.
//
// The weights move towards their targets every refreshEvery, and none falls
// under leastScore of a well one, so that an upstream that has recovered is
// found out.
type HealthAware struct {
	turn   atomic.Uint64
	tables tables[shares]
}

const refreshEvery = 100 * time.Millisecond

// NewHealthAware returns a HealthAware.
func NewHealthAware() *HealthAware { return &HealthAware{tables: tables[shares]{build: newShares}} }

// Pick implements Strategy. Every refreshEvery one Pick computes the weights
// anew, in place, at a cost in proportion to the number of upstreams.
func (s *HealthAware) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	if len(snap.Upstreams) == 0 {
		return nil
	}
	t := s.tables.of(snap)
	if t == nil {
		return scan(snap.Upstreams, req, 0)
	}
	// The pool's clock moves with reports, and without them no target moves.
	if now := snap.Clock(); int64(now) >= t.due.Load() {
		t.refresh(now)
	}
	return turnWheel(t.wheel, &s.turn, snap, req)
}

// shareUnits is the size of the wheel: fine enough for 1,000 upstreams of
// which some have the least score.
const shareUnits = 1 << 22

// sharePart is how far a weight moves towards its target at each refresh.
const sharePart = 0.3

// shares are the weights of one snapshot's upstreams.
type shares struct {
	upstreams []*pool.Upstream
	wheel     *wheel
	due       atomic.Int64 // reading of the pool's clock when a refresh is due
	busy      atomic.Bool
	weights   []float64 // guarded by busy
}

func newShares(snap *pool.Snapshot, _ *shares) *shares {
	n := len(snap.Upstreams)
	if n == 0 {
		return nil
	}
	t := &shares{
		upstreams: snap.Upstreams,
		wheel:     newWheel(n, uint64(max(shareUnits, n))),
		weights:   make([]float64, n),
	}
	t.move(1)
	t.due.Store(int64(snap.Clock() + refreshEvery))
	return t
}

// refresh moves the weights, unless another one is at it.
func (t *shares) refresh(now time.Duration) {
	if !t.busy.CompareAndSwap(false, true) {
		return
	}
	if int64(now) >= t.due.Load() {
		t.move(sharePart)
		t.due.Store(int64(now + refreshEvery))
	}
	t.busy.Store(false)
}

// move brings the weights part of the way to their targets and cuts the wheel anew.
func (t *shares) move(part float64) {
	peers := peersOf(t.upstreams)
	total := 0.0
	for i, u := range t.upstreams {
		target := score(vitalsOf(u), peers) * float64(max(u.Weight(), 1))
		t.weights[i] += (target - t.weights[i]) * part
		total += t.weights[i]
	}
	sum, last := 0.0, len(t.weights)-1
	t.wheel.cut(func(i int) uint64 {
		sum += t.weights[i]
		if i == last {
			return t.wheel.total // whatever the rounding
		}
		return min(uint64(sum/total*float64(t.wheel.total)), t.wheel.total)
	})
}
