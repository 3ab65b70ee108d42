package cache

import (
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// index knows the entries of one namespace by tag and by prefix. It has an
// entry from before the entry is in the table until after it has left it (the
// table says so in the same step), so it is exact: also for what was evicted,
// has expired or was replaced a moment ago.
//
// Its mutex is held for moments only and nothing is called under it, since the
// table removes entries while it holds locks of its own.
type index struct {
	mu      sync.Mutex
	first   *entry // all entries, in a list
	count   int
	bytes   int64
	tags    map[string]*tagged
	ordered *btree.BTreeG[*entry] // by key; nil until somebody asks for a prefix
}

// tagged is the set of entries with one tag.
type tagged struct {
	name    string
	entries map[*entry]struct{}
}

func (x *index) add(e *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.first != nil {
		x.first.previous = e
	}
	e.next, x.first = x.first, e
	x.count++
	x.bytes += e.weight()
	for i, name := range e.tags {
		set := x.tags[name]
		if set == nil {
			set = &tagged{name, make(map[*entry]struct{})}
			if x.tags == nil {
				x.tags = make(map[string]*tagged)
			}
			x.tags[name] = set
		}
		set.entries[e] = struct{}{}
		e.tags[i] = set.name // the same text once, however many entries have it
	}
	if x.ordered != nil {
		x.ordered.Set(e)
	}
}

func (x *index) removeLocked(e *entry) {
	if e.previous != nil {
		e.previous.next = e.next
	} else {
		x.first = e.next
	}
	if e.next != nil {
		e.next.previous = e.previous
	}
	e.previous, e.next = nil, nil
	x.count--
	x.bytes -= e.weight()
	for _, name := range e.tags {
		set := x.tags[name]
		if set == nil {
			continue // the entry has the tag twice
		}
		if delete(set.entries, e); len(set.entries) == 0 {
			delete(x.tags, name)
		}
	}
	if x.ordered != nil {
		if present, _ := x.ordered.Get(e); present == e { // its successor may have its place
			x.ordered.Delete(e)
		}
	}
}

// tagged returns the entries that have the tag now.
func (x *index) tagged(tag string) []*entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	set := x.tags[tag]
	if set == nil {
		return nil
	}
	found := make([]*entry, 0, len(set.entries))
	for e := range set.entries {
		found = append(found, e)
	}
	return found
}

// prefixed returns the entries whose ids begin with prefix. The first call puts
// the namespace in order, which takes a while where it is large; who never
// asks pays nothing for it.
func (x *index) prefixed(prefix string) []*entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ordered == nil {
		x.ordered = btree.NewBTreeGOptions(func(a, b *entry) bool { return a.id < b.id }, btree.Options{NoLocks: true})
		for e := x.first; e != nil; e = e.next {
			x.ordered.Set(e)
		}
	}
	var found []*entry
	x.ordered.Ascend(&entry{id: prefix}, func(e *entry) bool {
		if !strings.HasPrefix(e.id, prefix) {
			return false
		}
		found = append(found, e)
		return true
	})
	return found
}

// size returns how many entries there are and what they weigh.
func (x *index) size() (count int, bytes int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.count, x.bytes
}
