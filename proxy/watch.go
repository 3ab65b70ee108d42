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
// the look before, or, for the one time, if it has waited so long for a request:
// that its client has closed may have gone unseen (visit.serve).
func (w *watcher) consider(c *conn, now uint64) {
	if since := c.since.Load(); since != 0 && since+1 < now && c.raw != nil && !c.left.Load() {
		w.conns = append(w.conns, watched{c, since})
	}
}

// watched is a connection on the list, and since when it was waiting then.
type watched struct {
	*conn
	at uint64
}

// tell says what was seen of it. A connection that has gone on in the meantime is
// left alone.
func (w watched) tell(gone bool) {
	switch {
	case w.since.Load() != w.at:
	case w.state.Load() != connIdle:
		if gone {
			w.clientGone()
		}
	case gone:
		w.closeIf(connIdle)
	default:
		w.since.CompareAndSwap(w.at, 0) // it is told of whatever comes from now on
	}
}
