package cache

import (
	"fmt"
	"slices"
)

// chunk is how many entries are invalidated before others get their turn.
const chunk = 500

// newEntry makes an entry; value becomes its own.
func (s *Store) newEntry(ns *namespace, id string, value []byte, o setting) (*entry, *Error) {
	if size := int64(len(id) - 1 + len(value)); size > s.opts.MaxEntryBytes {
		return nil, &Error{CodeTooLarge, fmt.Sprintf("key and value have %d bytes; at most %d are kept (cache.maxEntryBytes)", size, s.opts.MaxEntryBytes)}
	}
	e := &entry{ns: ns, id: id, value: value, expires: never, tags: o.tags}
	ttl := o.ttl
	if ttl == 0 {
		ttl = s.opts.DefaultTTL
	}
	if ttl > 0 {
		e.expires = s.clock.after(ttl)
	}
	return e, nil
}

// putLocked stores e, ends the lease on its key and notes the change.
func (s *Store) putLocked(e *entry, told *changes, woken *wakes) {
	ns := e.ns
	ns.index.add(e)
	s.table.Set(e.id, e)
	ns.sets.Add(1)
	if l := ns.leases.open[e.id]; l != nil {
		ns.settleLocked(l, e, s.clock.NowNano(), woken)
	}
	told.key(ns, e.key())
}

// set stores a value, which becomes the store's own.
func (s *Store) set(ns *namespace, key, value []byte, o setting, told *changes) *Error {
	var woken wakes
	defer func() { woken.run() }()
	e, err := s.newEntry(ns, ns.id(key), value, o)
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if o.lease != 0 {
		l := ns.leases.open[ns.id(key)]
		switch {
		case l == nil || l.number != o.lease || l.holder != o.holder:
			return errLeaseLost
		case err != nil:
			ns.passOnLocked(l, &woken)
		case ns.leases.staleLocked(l, o.tags):
			ns.passOnLocked(l, &woken)
			return errLeaseLost
		default:
			ns.loaded(l.granted)
		}
	}
	if err != nil {
		return err
	}
	s.putLocked(e, told, &woken)
	return nil
}

// add stores a value unless the key has one.
func (s *Store) add(ns *namespace, key, value []byte, o setting, told *changes) (bool, *Error) {
	var woken wakes
	defer func() { woken.run() }()
	e, err := s.newEntry(ns, ns.id(key), value, o)
	if err != nil {
		return false, err
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if present, _ := s.find(e.id); present != nil {
		return false, nil
	}
	s.putLocked(e, told, &woken)
	return true, nil
}

// increment adds to a number, and returns the new one.
func (s *Store) increment(ns *namespace, key, by []byte, o setting, told *changes) ([]byte, *Error) {
	var woken wakes
	defer func() { woken.run() }()
	id := ns.id(key)
	ns.mu.Lock()
	defer ns.mu.Unlock()
	old, _ := s.find(id)
	before := []byte("0")
	if old != nil {
		before, o.tags = old.value, slices.Clone(old.tags)
	}
	number, ok := sum(before, by)
	if !ok {
		return nil, &Error{CodeNotANumber, "the value is not a number, or the sum is too large for one"}
	}
	e, err := s.newEntry(ns, id, number, o)
	if err != nil {
		return nil, err
	}
	if old != nil {
		e.expires = old.expires
	}
	s.putLocked(e, told, &woken)
	return number, nil
}

// remove deletes a key and tells whether it was there. Copies of it are
// dropped in any case.
func (s *Store) remove(ns *namespace, key []byte, told *changes) bool {
	var woken wakes
	defer func() { woken.run() }()
	id := ns.id(key)
	ns.mu.Lock()
	defer ns.mu.Unlock()
	_, was := s.table.Invalidate(id)
	if was {
		ns.deletes.Add(1)
	}
	ns.revokeLocked(id, &woken)
	told.key(ns, id[1:])
	return was
}

// invalidateTag removes the entries with a tag and returns how many they were.
func (s *Store) invalidateTag(ns *namespace, tag string, told *changes) int {
	ns.mu.Lock()
	ns.leases.markLocked(tag)
	found := ns.index.tagged(tag)
	ns.mu.Unlock()
	return s.removeAll(ns, found, told)
}

// invalidatePrefix removes the entries whose keys begin with prefix and returns
// how many they were.
func (s *Store) invalidatePrefix(ns *namespace, prefix []byte, told *changes) int {
	var woken wakes
	begin := ns.id(prefix)
	ns.mu.Lock()
	ns.revokePrefixLocked(begin, &woken)
	found := ns.index.prefixed(begin)
	ns.mu.Unlock()
	woken.run()
	return s.removeAll(ns, found, told)
}

// removeAll removes those of the entries that are still there.
func (s *Store) removeAll(ns *namespace, found []*entry, told *changes) int {
	removed := 0
	for len(found) > 0 {
		part := found[:min(chunk, len(found))]
		found = found[len(part):]
		ns.mu.Lock()
		for _, e := range part {
			told.key(ns, e.key())
			if now, ok := s.table.GetEntryQuietly(e.id); !ok || now.Value != e {
				continue // it has left by itself, or what is there is newer than this call
			}
			if _, was := s.table.Invalidate(e.id); was {
				removed++
			}
		}
		ns.mu.Unlock()
	}
	ns.invalidated.Add(uint64(removed))
	// What left by itself a moment ago had this tag or prefix, too, and copies of it may be about.
	s.dropEvicted(ns)
	return removed
}

var errLeaseLost = &Error{CodeLeaseLost, "the lease has ended, or is another's; nothing was stored"}
