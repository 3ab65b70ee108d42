package pool

import (
	"sync/atomic"
	"time"
)

// Snapshot is the set of upstreams that may receive traffic at one moment.
// It is immutable: the pool publishes a new one on every change.
type Snapshot struct {
	Version   uint64
	Upstreams []*Upstream // eligible, ordered by slot, generation, name
	Panic     bool        // health or ejections are being ignored, since more than half are out

	clock *clock
	slowStart
	labels atomic.Pointer[map[string]*Upstream] // made when it is asked for
}

// Labeled returns the upstream with that label, of several the newest
// generation; nil when there is none. Only the first call on a snapshot allocates.
func (s *Snapshot) Labeled(label []byte) *Upstream {
	m := s.labels.Load()
	if m == nil {
		made := make(map[string]*Upstream, len(s.Upstreams))
		for _, u := range s.Upstreams { // in order of generation
			made[u.Label] = u
		}
		m = &made
		s.labels.Store(m)
	}
	return (*m)[string(label)]
}

// Clock is the time of the newest report to the pool, coarse (1 ms) and
// monotonic, counted from the pool's beginning. It costs one load.
func (s *Snapshot) Clock() time.Duration {
	if s.clock == nil {
		return 0
	}
	return time.Duration(s.clock.now.Load())
}

// candidate tells whether only health can keep traffic from u. A worker that
// is not up (starting, or its probes failed) is none: nothing brings traffic
// to it, and it does not count when the share of those that are out is taken.
// Neither is one that listens nowhere.
func (u *Upstream) candidate() bool {
	return u.Address != "" && !u.gate.has(gateQuit) && u.Weight() > 0 && (!u.Spawned || u.State() == Healthy)
}

// well tells whether a candidate deserves traffic.
func (u *Upstream) well() bool { return u.State() == Healthy && !u.gate.has(gateEjected) }

// eligible chooses those that may receive traffic: the candidates that are
// well, or, when more than half of the candidates are out, all of them (panic).
func eligible(all []*Upstream) (chosen []*Upstream, panicking bool) {
	candidates, well := 0, 0
	for _, u := range all {
		if u.candidate() {
			candidates++
			if u.well() {
				well++
			}
		}
	}
	panicking = 2*(candidates-well) > candidates
	chosen = make([]*Upstream, 0, candidates)
	for _, u := range all {
		if u.candidate() && (panicking || u.well()) {
			chosen = append(chosen, u)
		}
	}
	return chosen, panicking
}

// publishLocked makes a new snapshot of the present state. Those that are out
// are marked before it is published, so that a strategy that still works with
// older tables can see it.
func (p *Pool) publishLocked() {
	chosen, panicking := eligible(p.ordered)
	next := 0 // both are in the same order
	for _, u := range p.ordered {
		in := next < len(chosen) && chosen[next] == u
		if in {
			next++
		}
		if u.gate.has(gateOut) == in { // most stay as they are, and their cache lines with them
			u.gate.set(gateOut, !in)
		}
	}
	last := p.snapshot.Load()
	p.desertedLocked(last.Upstreams, chosen)
	p.snapshot.Store(&Snapshot{
		Version:   last.Version + 1,
		Upstreams: chosen,
		Panic:     panicking,
		clock:     &p.clock,
		slowStart: newSlowStart(p.Config().SlowStart.Std(), chosen),
	})
}
