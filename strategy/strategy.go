package strategy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// Request is what a strategy may know of a request.
type Request struct {
	Hash  uint64           // of what hashOn names, for consistent-hash
	Tried []*pool.Upstream // those that this request already failed on or was refused by; never picked
}

// Strategy picks one upstream of a snapshot.
type Strategy interface {
	// Pick returns an upstream that would be admitted now and was not tried.
	// When there is none left it returns one that is saturated, else one whose
	// breaker refuses, so that Acquire names the reason; else nil. req may be nil.
	//
	// Pick may be called concurrently, takes no lock and allocates nothing
	// (the first one after a change of the pool computes tables). One Strategy
	// serves one pool.
	Pick(snap *pool.Snapshot, req *Request) *pool.Upstream
}

var strategies = map[string]func() Strategy{
	"round-robin":          func() Strategy { return NewRoundRobin() },
	"least-connections":    func() Strategy { return NewLeastConnections() },
	"weighted-round-robin": func() Strategy { return NewWeighted() },
	"health-aware":         func() Strategy { return NewHealthAware() },
	"random":               func() Strategy { return NewRandom() },
	"power-of-two":         func() Strategy { return NewPowerOfTwo() },
	"least-response-time":  func() Strategy { return NewLeastResponseTime() },
	consistentHash:         func() Strategy { return NewConsistentHash() },
}

const consistentHash = "consistent-hash"

// New returns the strategy that the settings of a pool name.
func New(cfg *config.Pool) (Strategy, error) {
	construct := strategies[cfg.Strategy]
	if construct == nil {
		return nil, fmt.Errorf("strategy: %q is not known; use one of %s", cfg.Strategy, strings.Join(Names(), ", "))
	}
	return construct(), nil
}

// Names returns the names of all strategies, sorted.
func Names() []string { return slices.Sorted(maps.Keys(strategies)) }

// NeedsHash tells whether the strategy looks at Request.Hash.
func NeedsHash(name string) bool { return name == consistentHash }

func (r *Request) tried(u *pool.Upstream) bool {
	return r != nil && len(r.Tried) != 0 && slices.Contains(r.Tried, u)
}

// usable tells whether u would take the request now.
func usable(u *pool.Upstream, req *Request) bool {
	return u.Admission() == pool.Admitted && !req.tried(u)
}

// warmTries is how many choices are made for one that takes part, when shares
// of upstreams are still growing. Where only one in ten does, this many are
// all in vain once in 800 times, and what is chosen then is as good as chance.
const warmTries = 64

// warmup is a Pick's view of upstreams in slow start: such a one takes part in
// as many choices as its share says.
type warmup struct {
	snap *pool.Snapshot
	now  time.Duration // 0: all have their full share
	draw draw
}

func warmupOf(snap *pool.Snapshot) warmup {
	w := warmup{snap: snap, now: snap.Warming()}
	if w.now != 0 {
		w.draw = newDraw()
	}
	return w
}

// tries is how often a choice may be made anew, where few normally suffice.
func (w *warmup) tries(few int) int {
	if w.now == 0 {
		return few
	}
	return warmTries
}

// full tells whether the share of u is not growing.
func (w *warmup) full(u *pool.Upstream) bool { return w.now == 0 || w.snap.ShareAt(u, w.now) == 1 }

// takes tells whether u takes part in this choice; asked again, it may say otherwise.
func (w *warmup) takes(u *pool.Upstream) bool { return w.now == 0 || w.lets(u) }

// lets is apart from takes so that the common case is inlined.
func (w *warmup) lets(u *pool.Upstream) bool {
	share := w.snap.ShareAt(u, w.now)
	return share == 1 || w.draw.fraction() < share
}

// scan is what every strategy falls back to when its own choice is not usable:
// the first usable one from start on, else the one that comes nearest to it.
func scan(ups []*pool.Upstream, req *Request, start int) *pool.Upstream {
	var best *pool.Upstream
	nearest := pool.Shut
	for i := range ups {
		u := ups[(start+i)%len(ups)]
		if a := u.Admission(); a < nearest && !req.tried(u) {
			if a == pool.Admitted {
				return u
			}
			best, nearest = u, a
		}
	}
	return best
}
