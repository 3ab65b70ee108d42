package pool

import (
	"slices"
	"time"
)

// SetExpecting is told by the supervisor whether a worker of the pool is
// starting or will start within the queue's timeout: while true, requests that
// find no upstream wait in the queue. When it becomes false those that wait in
// vain are let go at once.
func (p *Pool) SetExpecting(on bool) {
	if p.expecting.Swap(on) != on {
		p.desertedAt.Store(0) // this is the word that was waited for
		p.queue.recheck()
	}
}

// outlook tells whether it is worth waiting. If not, err is nil when an
// upstream would take a request now, else why none ever will.
func (p *Pool) outlook() (wait bool, err error) {
	saturated, tripped := false, false
	for _, u := range p.Snapshot().Upstreams {
		switch u.Admission() {
		case Admitted:
			return false, nil
		case Saturated:
			saturated = true
		case Tripped:
			tripped = true
		}
	}
	switch {
	case saturated:
		return true, nil
	case tripped:
		return false, ErrBreakerOpen
	case p.expecting.Load() || p.justDeserted():
		return true, nil
	default:
		return false, ErrNoUpstream
	}
}

// desertedLocked notes whether the last worker has just left: its supervisor
// learns of it at the same time, and those who wait must not be sent away
// between the worker's removal and the word that another one comes.
func (p *Pool) desertedLocked(before, after []*Upstream) {
	switch {
	case len(after) > 0:
		p.desertedAt.Store(0)
	case slices.ContainsFunc(before, func(u *Upstream) bool { return u.Spawned }):
		p.desertedAt.Store(p.clock.tick(time.Now()))
	}
}

func (p *Pool) justDeserted() bool {
	at := p.desertedAt.Load()
	return at != 0 && p.clock.tick(time.Now())-at < int64(queueTick)
}

// room counts how many requests would be taken now, at most limit.
func (p *Pool) room(limit int) int {
	most, n := p.limit.Load(), int64(0)
	for _, u := range p.Snapshot().Upstreams {
		if u.Admission() != Admitted {
			continue
		}
		if most <= 0 {
			return limit
		}
		if n += most - u.inFlight.Load(); n >= int64(limit) {
			return limit
		}
	}
	return int(n)
}
