package proxy

import (
	"net"
	"time"
)

// acceptGrace is how long a listener that is about to close still takes in
// what the kernel has already accepted for it; closing at once would reset it.
const acceptGrace = 20 * time.Millisecond

// freshGrace is how long a connection that has not sent anything yet may still
// send its first request during a drain: it was opened for one.
const freshGrace = 500 * time.Millisecond

// cutGrace is how long a request that is cut off may take to say so to its client.
const cutGrace = 250 * time.Millisecond

// drain closes the listener and waits until its connections are gone: idle
// ones are closed, unless it is patient, those with a request are closed after it. When limit has
// passed, or now is closed, the rest is cut off; cut says how many that were.
func (l *listener) drain(limit time.Duration, now <-chan struct{}) (cut int) {
	l.stopAccepting()
	deadline := time.NewTimer(max(limit, 0))
	defer deadline.Stop()
	// A connection that becomes idle after it was looked at sees closing by
	// itself; only those that are fresh have to be looked at again.
	look := time.NewTimer(freshGrace)
	defer look.Stop()
	if l.patient.Load() {
		look.Stop()
	} else {
		l.conns.each(func(c *conn) { c.closeIf(connIdle) })
	}
	for {
		select {
		case <-l.conns.empty():
			l.served.Wait()
			return 0
		case <-look.C:
			l.conns.each(func(c *conn) { c.closeIf(connFresh); c.closeIf(connIdle) })
			continue
		case <-deadline.C:
		case <-now:
		}
		break
	}
	l.conns.each(func(c *conn) {
		if !c.closeIf(connIdle) && !c.closeIf(connFresh) && c.state.Load() != connClosing {
			cut++
			c.interrupt()
		}
	})
	last := time.NewTimer(cutGrace)
	defer last.Stop()
	select {
	case <-l.conns.empty():
	case <-last.C:
		l.conns.each((*conn).kill)
	}
	l.served.Wait()
	return cut
}

// stopAccepting closes the listener's socket after a last look at its queue.
func (l *listener) stopAccepting() {
	if d, ok := l.ln.(interface{ SetDeadline(time.Time) error }); ok && d.SetDeadline(time.Now().Add(acceptGrace)) == nil {
		time.Sleep(acceptGrace)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = l.ln.Close() // fails only when it is closed already
		l.accepts.Wait()
	}()
	for {
		select {
		case <-closed:
			return
		case <-time.After(acceptGrace):
			l.knock()
		}
	}
}

// knock connects to the listener once. Whoever takes over a socket makes it
// blocking for a moment (os.File.Fd, which net.FileListener calls, does so, and
// both processes share that mode): an accept that falls into that moment waits
// in the kernel until a connection comes, and Close waits for the accept.
func (l *listener) knock() {
	address := l.ln.Addr()
	if nc, err := net.DialTimeout(address.Network(), address.String(), acceptGrace); err == nil {
		_ = nc.Close() // nothing was said
	}
}

// closeIf closes a connection that is in that state, atomically with its
// leaving it, and reports whether it was.
func (c *conn) closeIf(state int32) bool {
	if !c.state.CompareAndSwap(state, connClosing) {
		return false
	}
	c.kill() // wakes the goroutine that waits for a request
	return true
}
