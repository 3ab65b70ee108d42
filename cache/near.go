package cache

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Pusher sends frames to workers. It is satisfied by *ipc.Hub.
type Pusher interface {
	// Push queues a frame (one line, without the line end) for a worker, and
	// does not wait; false where its queue is full or it is gone: the caller
	// remembers the gap. It keeps the frame and does not change it.
	Push(worker string, frame []byte) bool
}

// resyncEvery is how often a worker whose queue refused a drop is tried again.
const resyncEvery = 20 * time.Millisecond

// near tells workers which of their copies to drop.
//
// A worker keeps only copies of what the store has: it is told of each change,
// and also of what the store evicts or has expired, so that an invalidated tag
// or prefix reaches the copies of entries that the store no longer knows. Where
// a queue refuses a drop, the worker is told to drop the whole namespace as
// soon as the queue takes it; what it fetched meanwhile goes with it.
type near struct {
	pusher Pusher
	wake   chan struct{}

	mu   sync.Mutex // replaces lists of subscribers
	gaps sync.Map   // *client: has namespaces to drop as a whole
}

// evicted are the entries that left a namespace by themselves while somebody
// kept copies. The mutex of the namespace's index guards it: an entry is either
// in the index or here.
type evicted struct {
	keys    []string
	all     bool
	sending sync.Mutex // held from taking keys until they are told
}

func newNear(p Pusher) *near { return &near{pusher: p, wake: make(chan struct{}, 1)} }

// noteLocked keeps the key of what left until dropEvicted tells of it.
func (v *evicted) noteLocked(e *entry) {
	if v.all {
		return
	}
	v.keys = append(v.keys, e.key())
	if len(v.keys) > maxDropKeys {
		v.keys, v.all = nil, true
	}
}

// dropEvicted tells who keeps copies what has left the namespace by itself.
func (s *Store) dropEvicted(ns *namespace) {
	v := &ns.evicted
	v.sending.Lock()
	defer v.sending.Unlock()
	ns.index.mu.Lock()
	keys, all := v.keys, v.all
	v.keys, v.all = nil, false
	ns.index.mu.Unlock()
	if len(keys) == 0 && !all {
		return
	}
	// They were noted a moment before the table let them go, and a copy fetched
	// after the drop could be one of them. This waits for the table to end the
	// round in which it removes them.
	s.table.WeightedSize()
	var told changes
	if all {
		ns.drop(nil, true)
		return
	}
	for _, key := range keys {
		told.key(ns, key)
	}
	told.tell()
}

// run tells what was evicted, and fills gaps, until ctx is done.
func (n *near) run(ctx context.Context, s *Store) {
	retry := time.NewTimer(resyncEvery)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
		case <-retry.C:
		}
		for _, ns := range s.spaces.Load().all {
			s.dropEvicted(ns)
		}
		left := false
		for c := range n.gaps.Range {
			left = !c.(*client).resync() || left
		}
		if left {
			retry.Reset(resyncEvery)
		}
	}
}

func (n *near) awake() {
	select {
	case n.wake <- struct{}{}:
	default: // it is awake
	}
}

// subscribe begins to tell c of changes of ns.
func (n *near) subscribe(ns *namespace, c *client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := ns.subscribers()
	if c.gone.Load() || slices.Contains(now, c) {
		return
	}
	more := append(slices.Clone(now), c)
	ns.near.Store(&more)
}

// unsubscribe ends it.
func (n *near) unsubscribe(ns *namespace, c *client) {
	n.remove(ns, c)
	c.forget(ns)
}

func (n *near) remove(ns *namespace, c *client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(ns.subscribers()), func(other *client) bool { return other == c })
	ns.near.Store(&rest)
}
