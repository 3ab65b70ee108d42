package proxy

import (
	"errors"
	"time"
)

// visit is a client's connection at the front, from its first request to its end.
type visit struct {
	front *fastFront
	c     *conn
	h     *h1                   // what serves the present request; nil while there is none
	wait  time.Duration         // how long the next request may be waited for
	asked bool                  // a request was served before
	step  func(fd uintptr) bool // attend, bound once, so that handing it to raw allocates nothing
	first [1]byte               // of a request on a connection that is not direct
}

// next waits until there is something to do for h.serve. False is the end of the
// connection.
func (v *visit) next() bool {
	c := v.c
	// Directly a deadline is set when it turns out that there is something to wait for.
	// One that is set may have passed, and would end the read before its beginning.
	if (!c.direct || !c.readBy.IsZero()) && c.readWithin(time.Now(), v.wait) != nil {
		return false
	}
	if c.direct {
		return c.raw.Read(v.step) == nil && v.h != nil
	}
	n, err := c.nc.Read(v.first[:]) // holding no other buffer while nothing comes
	if err != nil {
		return false
	}
	c.ahead = v.first[:n]
	return v.receive() == nil
}

// attend serves plain requests, for as long as they are plain, inside one
// RawConn.Read: it returns false to wait for the next one.
//
// A RawConn.Read begins by forgetting what the poller told before. Whoever begins
// one for each request must therefore try to read first, nearly always in vain: a
// system call for nothing. Inside one, a wait ends for all that came since the wait
// before. And the descriptor is at hand, so that reading and writing need not ask
// the runtime for it.
//
// The connection's read lock is held meanwhile. What has to wait for more of a
// request (a body, the rest of a head), takes the connection over (an upgrade) or
// reads it to its end (a refusal) goes on outside: attend returns true and leaves
// it in h.
func (v *visit) attend(fd uintptr) bool {
	v.c.fd, v.c.inside = int(fd), true
	wait := v.serve()
	v.c.inside = false
	return !wait
}

// serve does the work of attend; true means that there is nothing to read.
func (v *visit) serve() (wait bool) {
	c := v.c
	for {
		err := v.receive()
		if errors.Is(err, errWouldBlock) {
			return c.readWithin(time.Now(), v.wait) == nil
		}
		if err != nil {
			return false
		}
		again, outside := v.h.servePlain()
		if outside {
			return false
		}
		now := v.h.m.ended
		if !v.leave(again) {
			return false
		}
		// What the last read left nothing of need not be tried again. Only the end of
		// the connection can have come with it unseen. Clients that ask once and close
		// their side are common, so the first request is followed by a look; others
		// that do so later are found by the sweep (watcher.consider).
		if v.asked && c.drained {
			return c.readWithin(now, v.wait) == nil
		}
		v.asked = true
	}
}

// receive waits for the first bytes of a request, or inside takes those that are
// there. Without an error v.h is set, to what serves it.
func (v *visit) receive() error {
	h, _ := v.front.free.Get().(*h1) // the pool holds nothing else
	h.attach(v.c)
	_, err := h.br.Peek(1)
	if err == nil && !v.c.busy() {
		err = errDraining
	}
	if err != nil {
		v.give(h)
		return err
	}
	v.h = h
	return nil
}

var errDraining = errors.New("the connection was closed by a drain")

func (v *visit) give(h *h1) {
	h.detach()
	v.front.free.Put(h)
}

// leave gives back what served the request. It reports whether the connection is
// to wait for another one, which again allows.
func (v *visit) leave(again bool) bool {
	h, c := v.h, v.c
	v.h = nil
	if h.broken {
		return false
	}
	v.give(h)
	v.wait = c.listener.table.Load().timeouts.keepAlive
	return again && c.state.CompareAndSwap(connBusy, connIdle) && (!c.listener.leaving() || c.listener.patient.Load())
}
