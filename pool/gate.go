package pool

import "sync/atomic"

// The bits of an upstream's gate. The request path reads the whole word once.
const (
	gateDraining    uint32 = 1 << iota // the supervisor's draining, final
	gateRemoved                        // not a member any more
	gateDrained                        // operator's flag
	gateMaintenance                    // operator's flag
	gateEjected                        // passive ejection
	gateOut                            // not in the published snapshot
	gateTripped                        // breaker open
	gateFull                           // breaker half-open, every trial taken

	gateQuit    = gateDraining | gateRemoved | gateDrained | gateMaintenance // nothing new, in spite of everything
	gateBreaker = gateTripped | gateFull
)

// gate holds everything that keeps requests from an upstream, one bit per
// reason, so that Acquire and Pick pay for one load.
type gate struct{ bits atomic.Uint32 }

func (g *gate) load() uint32         { return g.bits.Load() }
func (g *gate) has(bits uint32) bool { return g.bits.Load()&bits != 0 }
func (g *gate) raise(bits uint32)    { g.bits.Or(bits) }
func (g *gate) lower(bits uint32)    { g.bits.And(^bits) }
func (g *gate) set(bits uint32, on bool) {
	if on {
		g.raise(bits)
	} else {
		g.lower(bits)
	}
}

// Admission is what Acquire would most likely answer at this moment. It is
// made for strategies: no lock, no allocation, a few loads.
type Admission uint8

// The admissions, best first: a strategy that finds nothing Admitted hands out
// a Saturated one, then a Tripped one, so that Acquire names the true reason.
const (
	Admitted  Admission = iota
	Saturated           // at maxInFlightPerWorker
	Tripped             // the breaker is open, or half-open with every trial taken
	Shut                // draining, drained, in maintenance, removed, or no longer eligible
)

// Admission says whether a request would be taken now. Safe for concurrent use.
func (u *Upstream) Admission() Admission {
	g := u.gate.load()
	switch {
	case g&(gateQuit|gateOut) != 0:
		return Shut
	case g&gateBreaker != 0:
		return Tripped
	}
	if limit := u.pool.limit.Load(); limit > 0 && u.inFlight.Load() >= limit {
		return Saturated
	}
	return Admitted
}
