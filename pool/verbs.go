package pool

import (
	"fmt"

	"github.com/drover-proxy/drover/event"
)

// SetHealth reports the verdict of probes, or a worker's own word. Starting
// and unhealthy become healthy, healthy becomes unhealthy; a starting one that
// is not well yet stays starting, and a draining one stays draining. cause is
// the reason of a failure, for the event. It returns false when the id is unknown.
func (p *Pool) SetHealth(id string, healthy bool, cause error) bool {
	return p.change(id, func(u *Upstream) (event.Event, bool) {
		switch s := u.State(); {
		case healthy && (s == Starting || s == Unhealthy):
			u.state.Store(uint32(Healthy))
			u.warmUp()
			return event.Event{Kind: event.UpstreamHealthy, Message: u.ID + " is healthy"}, true
		case !healthy && s == Healthy:
			u.state.Store(uint32(Unhealthy))
			return event.Event{Kind: event.UpstreamUnhealthy, Message: fmt.Sprintf("%s is unhealthy: %v", u.ID, cause)}, true
		}
		return event.Event{}, false
	})
}

// StartDrain is the supervisor's draining: the state becomes Draining, for
// good. It returns false when the id is unknown.
func (p *Pool) StartDrain(id string) bool {
	return p.change(id, func(u *Upstream) (event.Event, bool) {
		if u.State() == Draining {
			return event.Event{}, false
		}
		u.state.Store(uint32(Draining))
		u.gate.raise(gateDraining)
		return event.Event{}, true // the supervisor says why
	})
}

// SetDrained sets or clears the operator's flag: no new requests. It returns
// false when the id is unknown.
func (p *Pool) SetDrained(id string, on bool) bool {
	return p.setFlag(id, gateDrained, on, "drained by the operator")
}

// SetMaintenance sets or clears maintenance: no new requests, no probes, no
// restarts. It returns false when the id is unknown.
func (p *Pool) SetMaintenance(id string, on bool) bool {
	return p.setFlag(id, gateMaintenance, on, "in maintenance")
}

func (p *Pool) setFlag(id string, bit uint32, on bool, message string) bool {
	return p.change(id, func(u *Upstream) (event.Event, bool) {
		if u.gate.has(bit) == on {
			return event.Event{}, false
		}
		u.gate.set(bit, on)
		if on {
			return event.Event{Kind: event.UpstreamDrained, Message: u.ID + " is " + message}, true
		}
		return event.Event{Kind: event.UpstreamResumed, Message: u.ID + " is no longer " + message}, true
	})
}

// SetWeight sets the weight, which is bounded to 0 to MaxWeight. It returns
// false when the id is unknown.
func (p *Pool) SetWeight(id string, weight int) bool {
	return p.change(id, func(u *Upstream) (event.Event, bool) {
		w := int32(min(max(weight, 0), MaxWeight))
		return event.Event{}, u.weight.Swap(w) != w
	})
}

// change runs f on the upstream that Get finds under the lock and, when f says
// that it changed something, publishes and tells. An event without a kind is
// none. A drain that finds nothing in flight is told by the same token.
func (p *Pool) change(id string, f func(*Upstream) (event.Event, bool)) bool {
	p.mu.Lock()
	u := p.getLocked(id)
	if u == nil {
		p.mu.Unlock()
		return false
	}
	e, changed := f(u)
	if !changed {
		p.mu.Unlock()
		return true
	}
	p.publishLocked()
	p.mu.Unlock()
	if e.Kind == "" {
		p.announce()
		return true
	}
	e.Subject = u.ID
	p.announce(e)
	return true
}
