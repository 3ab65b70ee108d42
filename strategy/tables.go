package strategy

import (
	"sync/atomic"

	"github.com/drover-proxy/drover/pool"
)

// tables keeps what a strategy has computed from the newest snapshot. The first
// Pick that brings a newer one computes anew; those that come meanwhile use the
// older tables, whose upstreams they check with Admission as always, so nobody
// waits and nothing that has left is picked.
type tables[T any] struct {
	newest   atomic.Pointer[table[T]]
	building atomic.Bool
	build    func(snap *pool.Snapshot, old *T) *T // old is nil the first time
}

type table[T any] struct {
	snap  *pool.Snapshot
	value *T
}

func (t *tables[T]) of(snap *pool.Snapshot) *T {
	now := t.newest.Load()
	if now != nil && (now.snap == snap || snap.Version < now.snap.Version) {
		return now.value
	}
	return t.renew(snap, now)
}

// renew is apart from of so that the common case stays small.
func (t *tables[T]) renew(snap *pool.Snapshot, now *table[T]) *T {
	if !t.building.CompareAndSwap(false, true) {
		if now != nil {
			return now.value
		}
		return t.build(snap, nil) // two first requests at once: each has its own for this time
	}
	defer t.building.Store(false)
	var old *T
	if now = t.newest.Load(); now != nil {
		if now.snap == snap || snap.Version < now.snap.Version {
			return now.value
		}
		old = now.value
	}
	value := t.build(snap, old)
	t.newest.Store(&table[T]{snap, value})
	return value
}
