package cache

import (
	"context"
	"maps"
	"sync"
	"time"
)

// keepBuffer is up to what size the memory of a frame is used again.
const keepBuffer = 256 << 10

// Service serves a store to workers, with leases and drops of near copies. It
// is what the message channel takes as its cache. All methods may be called
// concurrently.
type Service struct {
	store *Store
	near  *near
	calls sync.Pool

	mu      sync.RWMutex
	clients map[string]*client
	gone    map[string]time.Time // workers that ended a moment ago
}

// goneFor is how long a worker that has ended is remembered, so that a frame of
// it that was read just then subscribes nobody. Ids do not come again.
const goneFor = time.Minute

// NewService returns a service of store, which tells workers through p what to
// drop. A store has one service at most.
func NewService(store *Store, p Pusher) *Service {
	return &Service{
		store:   store,
		near:    newNear(p),
		calls:   sync.Pool{New: func() any { return new(call) }},
		clients: make(map[string]*client),
		gone:    make(map[string]time.Time),
	}
}

// Run tells workers what was evicted, and those that were too slow what they
// have missed, until ctx is done. It returns nil.
func (s *Service) Run(ctx context.Context) error {
	s.near.run(ctx, s.store)
	return nil
}

// Serve runs the operations of one frame: ops is a JSON list, good during the
// call only. reply is called exactly once with the list of results, which is
// good during reply only: before Serve returns where nothing waits, else later
// from another goroutine. worker is the full id (app-1.3).
func (s *Service) Serve(worker string, ops []byte, reply func(result []byte)) {
	c := s.calls.Get().(*call)
	c.scanner = scanner{text: ops}
	c.store, c.near, c.client, c.ns, c.count = s.store, s.near, s.client(worker), nil, 0
	c.results.begin()
	c.run()
	c.told.tell() // before the reply, so that the two come in this order
	c.results.end(c.client, reply)
	if cap(c.results.out) > keepBuffer {
		c.results.out = nil
	}
	c.scanner, c.client = scanner{}, nil
	s.calls.Put(c)
}

// Gone ends the leases of a worker and what it waits for, and tells it nothing
// any more. What is served for it later is done, but for leases and near.
func (s *Service) Gone(worker string) {
	if c := s.bury(worker); c != nil {
		for _, ns := range s.store.spaces.Load().all {
			s.near.remove(ns, c)
			ns.leave(c)
		}
		s.near.gaps.Delete(c)
	}
}

// bury forgets a worker and returns what was known of it, or nil.
func (s *Service) bury(worker string) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.gone, func(_ string, at time.Time) bool { return now.Sub(at) > goneFor })
	s.gone[worker] = now
	c := s.clients[worker]
	delete(s.clients, worker)
	if c != nil {
		c.gone.Store(true)
	}
	return c
}

// client returns what is known of a worker.
func (s *Service) client(worker string) *client {
	s.mu.RLock()
	c := s.clients[worker]
	s.mu.RUnlock()
	if c != nil {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c = s.clients[worker]; c == nil {
		c = &client{id: worker, near: s.near}
		if _, gone := s.gone[worker]; gone {
			c.gone.Store(true)
		} else {
			s.clients[worker] = c
		}
	}
	return c
}
