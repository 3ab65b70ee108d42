package cache

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// MaxNamespaces is how many namespaces there may be: each is a label of metrics.
	MaxNamespaces = 100

	maxName = 64
)

// namespace is a part of the cache with keys, tags and numbers of its own.
// Changes of it are made one after the other, under mu; reads take no lock.
type namespace struct {
	name string
	mark byte // the ids of its entries begin with it

	mu     sync.Mutex
	leases leases

	index   index
	near    atomic.Pointer[[]*client] // who keeps copies; replaced as a whole
	dropAll []byte                    // the frame that ends all copies
	evicted evicted

	counters
}

// counters are totals since drover began.
type counters struct {
	hits, misses, sets, deletes, invalidated atomic.Uint64
	evictions, expirations                   atomic.Uint64
	loads, lostLoads, sharedLoads            atomic.Uint64
	loadTime                                 atomic.Int64
	drops, resyncs                           atomic.Uint64
}

func newNamespace(name string, mark byte) *namespace {
	return &namespace{name: name, mark: mark, dropAll: dropFrame(name, nil)}
}

// loaded counts a value computed under a lease granted at that moment.
func (c *counters) loaded(granted time.Time) {
	c.loads.Add(1)
	c.loadTime.Add(int64(time.Since(granted)))
}

// left is told by the table, under its locks, that an entry is about to leave.
func (ns *namespace) left(e *entry, cause otter.DeletionCause) {
	byItself := cause == otter.CauseOverflow || cause == otter.CauseExpiration
	ns.index.mu.Lock()
	ns.index.removeLocked(e)
	subscribers := ns.subscribers()
	if byItself && len(subscribers) > 0 {
		ns.evicted.noteLocked(e)
	}
	ns.index.mu.Unlock()
	switch {
	case cause == otter.CauseOverflow:
		ns.evictions.Add(1)
	case cause == otter.CauseExpiration:
		ns.expirations.Add(1)
	}
	if byItself && len(subscribers) > 0 {
		subscribers[0].near.awake() // there is one for all
	}
}

// subscribers returns who keeps copies.
func (ns *namespace) subscribers() []*client {
	if list := ns.near.Load(); list != nil {
		return *list
	}
	return nil
}

// spaces are the namespaces by name and by mark. It is replaced as a whole, so
// that to look one up takes no lock.
type spaces struct {
	byName map[string]*namespace
	all    []*namespace
}

// with returns the spaces and one more.
func (s *spaces) with(ns *namespace) *spaces {
	more := &spaces{maps.Clone(s.byName), append(s.all[:len(s.all):len(s.all)], ns)}
	if more.byName == nil {
		more.byName = make(map[string]*namespace)
	}
	more.byName[ns.name] = ns
	return more
}

// goodName tells whether a namespace may be called name.
func goodName(name string) bool {
	if len(name) == 0 || len(name) > maxName {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
