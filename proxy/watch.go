package proxy

import (
	"context"
	"time"
)

// sweepEvery is how often connections are looked at whose request has been
// waiting since the look before. A client that leaves is noticed within two.
const sweepEvery = 250 * time.Millisecond

// sweep notices clients that leave while their request waits or streams, which
// nothing else would: nobody reads from them then. Requests that are done
// before the next look cost two stores to memory and nothing more.
func (s *Server) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var w watcher
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := s.tick.Add(1)
		consider := func(c *conn) { w.consider(c, now) }
		s.mu.Lock()
		for _, l := range s.listeners {
			l.conns.each(consider)
		}
		for l := range s.retired {
			l.conns.each(consider)
		}
		s.mu.Unlock()
		w.poll()
	}
}

// consider puts a connection on the list if its request has waited since before
// the look before.
func (w *watcher) consider(c *conn, now uint64) {
	if since := c.since.Load(); since != 0 && since+1 < now && c.raw != nil && !c.left.Load() {
		w.conns = append(w.conns, c)
	}
}
