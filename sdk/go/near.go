package drover

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// maxNear is how many copies of a namespace are kept.
const maxNear = 10_000

// nearCopies are the copies that this worker keeps of what is in the shared cache.
type nearCopies struct {
	mu     sync.RWMutex
	spaces map[string]*nearSpace
}

func newNearCopies() *nearCopies { return &nearCopies{spaces: make(map[string]*nearSpace)} }

// Near says whether this worker keeps copies of the namespace's entries: these
// are read without asking drover, which tells what to drop when anybody changes
// it. A copy may be old by as long as that takes, also where another worker has
// seen the new value already.
func (k *Cache) Near(ctx context.Context, on bool) error {
	if on {
		k.c.near.open(k.ns) // before drover's first drop
	}
	_, err := k.do(ctx, k.op("near").flag(on))
	if !on || err != nil {
		k.c.near.close(k.ns)
	}
	return err
}

func (n *nearCopies) open(ns string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spaces[ns] == nil {
		n.spaces[ns] = &nearSpace{copies: make(map[string]nearCopy), fetches: make(map[*fetch]struct{})}
	}
}

func (n *nearCopies) close(ns string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.spaces, ns)
}

// of returns the copies of a namespace, or nil where none are kept.
func (n *nearCopies) of(ns string) *nearSpace {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.spaces[ns]
}

// drop is called by the reader, in order with the replies.
func (n *nearCopies) drop(f *frame) {
	s := n.of(f.Namespace)
	if f.All {
		s.dropAll()
		return
	}
	s.drop(f.Keys...)
}

// nearSpace has the copies of one namespace; nil has none.
type nearSpace struct {
	mu      sync.Mutex
	copies  map[string]nearCopy
	fetches map[*fetch]struct{} // whose replies are not in yet
}

type nearCopy struct {
	value   json.RawMessage
	expires time.Time // zero: never
}

// fetch is a read that is on its way to drover. What it brings is not kept when
// its key was dropped in between.
type fetch struct {
	key   string
	stale bool
}

func (s *nearSpace) get(key string) (json.RawMessage, bool) {
	if s == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.copies[key]
	if ok && !c.expires.IsZero() && !time.Now().Before(c.expires) {
		delete(s.copies, key)
		return nil, false
	}
	return c.value, ok
}

// begin is called before a read is sent, and end with what it brought.
func (s *nearSpace) begin(key string) *fetch {
	if s == nil {
		return nil
	}
	f := &fetch{key: key}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches[f] = struct{}{}
	return f
}

func (s *nearSpace) end(f *fetch, h hit) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.fetches, f)
	if f.stale || !h.ok {
		return
	}
	for other := range s.copies { // any one: map order is random enough
		if len(s.copies) < maxNear {
			break
		}
		delete(s.copies, other)
	}
	c := nearCopy{value: slices.Clone(h.value)} // it is a part of a frame
	if h.ttl > 0 {
		c.expires = time.Now().Add(h.ttl)
	}
	s.copies[f.key] = c
}

func (s *nearSpace) drop(keys ...string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.copies, key)
		for f := range s.fetches {
			f.stale = f.stale || f.key == key
		}
	}
}

func (s *nearSpace) dropAll() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.copies)
	for f := range s.fetches {
		f.stale = true
	}
}
