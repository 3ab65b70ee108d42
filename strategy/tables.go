package strategy

import (
	"sync"
	"sync/atomic"

	"github.com/drover-proxy/drover/pool"
)

// tables keeps what a strategy has computed from the newest snapshot. The first
// Pick that brings a newer one computes anew; those that come meanwhile use the
// older tables, whose upstreams they check with Admission as always, so nobody
// waits and nothing that has left is picked. Only the very first Picks wait for
// each other: if each made its own tables, a burst at the start would make as many.
type tables[T any] struct {
	newest   atomic.Pointer[table[T]]
	building sync.Mutex
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
	switch {
	case now == nil:
		t.building.Lock()
	case !t.building.TryLock():
		return now.value
	}
	defer t.building.Unlock()
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
