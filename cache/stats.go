package cache

import "time"

// Stats are the numbers of a store.
type Stats struct {
	Entries       int              `json:"entries"`
	Bytes         int64            `json:"bytes"` // with what keeping the entries costs
	MaxBytes      int64            `json:"maxBytes"`
	MaxEntryBytes int64            `json:"maxEntryBytes"`
	Namespaces    []NamespaceStats `json:"namespaces"`
}

// NamespaceStats are the numbers of one namespace; those that count are totals
// since drover began.
type NamespaceStats struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	Bytes   int64  `json:"bytes"`

	Hits        uint64 `json:"hits"`
	Misses      uint64 `json:"misses"`
	Sets        uint64 `json:"sets"` // with add and increment
	Deletes     uint64 `json:"deletes"`
	Invalidated uint64 `json:"invalidated"` // entries, by tag or prefix
	Evictions   uint64 `json:"evictions"`   // to make room
	Expirations uint64 `json:"expirations"`

	Loads       uint64  `json:"loads"`       // values computed under a lease
	LoadSeconds float64 `json:"loadSeconds"` // that took so long, in all
	LostLoads   uint64  `json:"lostLoads"`   // leases that ended without a value
	SharedLoads uint64  `json:"sharedLoads"` // who waited and got the value of another's lease
	Leases      int     `json:"leases"`      // now
	Waiting     int     `json:"waiting"`     // now

	Copying int    `json:"copying"` // workers that keep near copies, now
	Drops   uint64 `json:"drops"`   // frames that told one what to drop
	Resyncs uint64 `json:"resyncs"` // times that one had to drop all, after a gap
}

// Stats returns the numbers of now.
func (s *Store) Stats() Stats {
	st := Stats{MaxBytes: s.opts.MaxBytes, MaxEntryBytes: s.opts.MaxEntryBytes, Namespaces: []NamespaceStats{}}
	for _, ns := range s.spaces.Load().all {
		one := ns.stats()
		st.Entries += one.Entries
		st.Bytes += one.Bytes
		st.Namespaces = append(st.Namespaces, one)
	}
	return st
}

func (ns *namespace) stats() NamespaceStats {
	entries, bytes := ns.index.size()
	ns.mu.Lock()
	leases, waiting := len(ns.leases.open), ns.leases.waiting
	ns.mu.Unlock()
	return NamespaceStats{
		Name: ns.name, Entries: entries, Bytes: bytes,
		Hits: ns.hits.Load(), Misses: ns.misses.Load(),
		Sets: ns.sets.Load(), Deletes: ns.deletes.Load(), Invalidated: ns.invalidated.Load(),
		Evictions: ns.evictions.Load(), Expirations: ns.expirations.Load(),
		Loads: ns.loads.Load(), LoadSeconds: time.Duration(ns.loadTime.Load()).Seconds(),
		LostLoads: ns.lostLoads.Load(), SharedLoads: ns.sharedLoads.Load(),
		Leases: leases, Waiting: waiting,
		Copying: len(ns.subscribers()), Drops: ns.drops.Load(), Resyncs: ns.resyncs.Load(),
	}
}
