package cache

import (
	"context"
	"sync"
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
}

// NewService returns a service of store, which tells workers through p what to
// drop. A store has one service at most.
func NewService(store *Store, p Pusher) *Service {
	return &Service{
		store:   store,
		near:    newNear(p),
		calls:   sync.Pool{New: func() any { return new(call) }},
		clients: make(map[string]*client),
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
// any more. It is called when the last Serve of that worker has returned.
func (s *Service) Gone(worker string) {
	s.mu.Lock()
	c := s.clients[worker]
	delete(s.clients, worker)
	s.mu.Unlock()
	if c == nil {
		return
	}
	c.gone.Store(true)
	for _, ns := range s.store.spaces.Load().all {
		s.near.unsubscribe(ns, c)
		ns.leave(c)
	}
	s.near.gaps.Delete(c)
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
		s.clients[worker] = c
	}
	return c
}
