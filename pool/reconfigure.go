package pool

import (
	"strings"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// Reconfigure applies settings in place: static upstreams are added, removed
// and reweighted, those that stay keep their state, flags and connections. A
// breaker begins anew only when its own settings have changed; a weight that
// an operator has set stays until the settings' weight changes.
func (p *Pool) Reconfigure(cfg *config.Pool) {
	p.mu.Lock()
	old := p.config.Swap(cfg)
	p.limit.Store(int64(cfg.Queue.MaxInFlightPerWorker))
	p.queue.resize(cfg.Queue.Length)
	gone, faults := p.reconcileLocked(cfg.Upstreams)
	for _, u := range p.members {
		if !cfg.Outlier.Enabled {
			p.endEjectionLocked(u)
		}
		if cfg.CircuitBreaker != old.CircuitBreaker {
			u.replaceBreaker(cfg.CircuitBreaker)
		}
	}
	p.publishLocked()
	p.mu.Unlock()
	for _, u := range gone {
		u.detach()
	}
	p.announce(faults...)
}

// reconcileLocked makes the static upstreams those of the settings.
func (p *Pool) reconcileLocked(want []config.Upstream) (gone []*Upstream, faults []event.Event) {
	wanted := make(map[string]Spec, len(want))
	for _, c := range want {
		s := staticSpec(c)
		wanted[s.ID] = s
	}
	for id, u := range p.members {
		if !u.static {
			continue
		}
		if s, ok := wanted[id]; !ok || s.Network != u.Network || s.Address != u.Address {
			p.removeLocked(u)
			gone = append(gone, u)
		}
	}
	for _, s := range wanted {
		if u := p.members[s.ID]; u != nil && u.static {
			if s.Weight != u.configured {
				u.configured = s.Weight
				u.weight.Store(int32(s.Weight))
			}
			continue
		}
		if u, err := p.addLocked(s); err == nil {
			u.static = true
		} else { // the id of a worker as a name
			faults = append(faults, event.Event{Kind: event.Internal, Subject: p.name, Message: err.Error()})
		}
	}
	return gone, faults
}

func (u *Upstream) replaceBreaker(s config.CircuitBreaker) {
	if b := u.breaker.Load(); b != nil {
		b.retire()
	}
	u.breaker.Store(newBreaker(u, s))
}

func staticSpec(c config.Upstream) Spec {
	s := Spec{ID: c.Name, Network: "tcp", Address: c.Address, Weight: min(max(c.Weight, 0), MaxWeight), State: Healthy}
	if path, ok := strings.CutPrefix(c.Address, "unix:"); ok {
		s.Network, s.Address = "unix", path
	}
	if s.ID == "" {
		s.ID = c.Address
	}
	s.Label = s.ID
	return s
}
