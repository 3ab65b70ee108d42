package pool

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// Pool is the one place that knows which upstreams exist and what state they
// are in. The request path reads snapshots and atomics; what changes the pool
// takes its lock and publishes a new snapshot. All methods may be called
// concurrently.
type Pool struct {
	name       string
	bus        *event.Bus
	config     atomic.Pointer[config.Pool]
	snapshot   atomic.Pointer[Snapshot]
	limit      atomic.Int64 // maxInFlightPerWorker, 0: none
	queue      queue
	expecting  atomic.Bool
	desertedAt atomic.Int64 // clock reading when the last eligible worker left; 0: not so, or answered

	mu      sync.Mutex
	members map[string]*Upstream
	ordered []*Upstream          // the members by slot, generation, name
	left    map[string]time.Time // when the last upstream of a label was removed

	subscribers subscribers

	_     cacheLine
	clock clock // written as requests end
	_     cacheLine
}

// New returns a pool with the static upstreams of cfg, which count as healthy
// until probes say otherwise. bus may be nil.
func New(name string, cfg *config.Pool, bus *event.Bus) *Pool {
	p := &Pool{name: name, bus: bus, members: make(map[string]*Upstream)}
	p.clock.epoch = time.Now()
	p.queue.pool = p
	p.config.Store(&config.Pool{})
	p.snapshot.Store(&Snapshot{clock: &p.clock})
	p.Reconfigure(cfg)
	return p
}

// Name returns the pool's name in the settings.
func (p *Pool) Name() string { return p.name }

// Config returns the present settings, which nobody writes to.
func (p *Pool) Config() *config.Pool { return p.config.Load() }

// Snapshot returns those that may receive traffic now. It is wait-free.
func (p *Pool) Snapshot() *Snapshot { return p.snapshot.Load() }

// Add puts an upstream into the pool. It fails when the ID is taken.
func (p *Pool) Add(s Spec) (*Upstream, error) {
	p.mu.Lock()
	u, err := p.addLocked(s)
	if err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.publishLocked()
	p.mu.Unlock()
	p.announce()
	return u, nil
}

func (p *Pool) addLocked(s Spec) (*Upstream, error) {
	if p.members[s.ID] != nil {
		return nil, fmt.Errorf("add upstream %s to pool %s: the id is taken", s.ID, p.name)
	}
	u := newUpstream(p, s)
	u.breaker.Store(newBreaker(u, p.Config().CircuitBreaker))
	if s.State == Healthy && p.Snapshot().Version > 0 { // those that the pool begins with have nobody to be measured by
		u.warmUp()
	}
	p.members[u.ID] = u
	i, _ := slices.BinarySearchFunc(p.ordered, u, inOrder)
	p.ordered = slices.Insert(p.ordered, i, u)
	return u, nil
}

// Remove takes an upstream out at once and closes its attachment; leases that
// are out stay valid. Unknown ids are ignored. Where a successor is to come,
// call SetExpecting first, or requests that find the pool empty fail.
func (p *Pool) Remove(id string) {
	p.mu.Lock()
	u := p.members[id]
	if u == nil {
		p.mu.Unlock()
		return
	}
	p.removeLocked(u)
	p.publishLocked()
	p.mu.Unlock()
	u.detach()
	p.announce()
}

func (p *Pool) removeLocked(u *Upstream) {
	delete(p.members, u.ID)
	p.noteLeftLocked(u.Label)
	if i, found := slices.BinarySearchFunc(p.ordered, u, inOrder); found {
		p.ordered = slices.Delete(p.ordered, i, i+1)
	}
	u.state.Store(uint32(Removed))
	u.gate.raise(gateRemoved | gateOut)
	u.ejection.stop()
	if b := u.breaker.Load(); b != nil {
		b.retire()
	}
}

// Get returns an upstream by ID, or by label (then the newest generation), or nil.
func (p *Pool) Get(id string) *Upstream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.getLocked(id)
}

func (p *Pool) getLocked(id string) *Upstream {
	if u := p.members[id]; u != nil {
		return u
	}
	var newest *Upstream
	for _, u := range p.members {
		if u.Label == id && (newest == nil || u.Generation > newest.Generation) {
			newest = u
		}
	}
	return newest
}

// All returns every upstream, in order of slot, generation, name.
func (p *Pool) All() []*Upstream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ordered)
}

func inOrder(a, b *Upstream) int {
	return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.ID, b.ID))
}

// announce tells those who follow the pool that it has changed, and the bus
// what happened. It is called without the lock.
func (p *Pool) announce(events ...event.Event) {
	p.notify()
	p.queue.recheck()
	for _, e := range events {
		if e.Attrs == nil {
			e.Attrs = map[string]any{"pool": p.name}
		}
		p.bus.Publish(e)
	}
}
