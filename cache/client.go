package cache

import (
	"sync"
	"sync/atomic"
)

// client is one worker.
type client struct {
	id   string
	near *near
	gone atomic.Bool

	held, waiting atomic.Int32 // leases
	parked        atomic.Int64 // bytes of results that wait for leases

	mu   sync.Mutex // orders the drops that it is sent
	gaps map[*namespace]struct{}
}

// drop sends a frame that drops copies of ns, or remembers the gap.
func (c *client) drop(ns *namespace, frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, gap := c.gaps[ns]; gap {
		return // all of it is going to be dropped
	}
	if c.near.pusher.Push(c.id, frame) {
		ns.drops.Add(1)
		return
	}
	if c.gone.Load() {
		return
	}
	if c.gaps == nil {
		c.gaps = make(map[*namespace]struct{})
	}
	c.gaps[ns] = struct{}{}
	c.near.gaps.Store(c, nil)
	c.near.awake()
}

// resync drops the namespaces in which there was a gap; it tells whether it
// came through with all.
func (c *client) resync() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ns := range c.gaps {
		if c.gone.Load() {
			break
		}
		if !c.near.pusher.Push(c.id, ns.dropAll) {
			return false
		}
		ns.resyncs.Add(1)
		delete(c.gaps, ns)
	}
	c.near.gaps.Delete(c)
	return true
}

// forget ends a gap that no longer matters.
func (c *client) forget(ns *namespace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.gaps, ns)
}
