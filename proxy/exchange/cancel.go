package exchange

import "sync"

// Cancel ends an exchange from any goroutine. The zero value is ready. One
// Cancel serves any number of exchanges one after another (the attempts of a
// request), never two at a time.
type Cancel struct {
	mu    sync.Mutex
	fired bool
	// hold is what Fire ends: the connection in use or the dial under way.
	hold aborter
	done chan struct{}
}

// aborter is ended by Cancel. It must return at once, since the lock is held:
// that is what keeps a late Fire away from a connection that went back to the
// pool.
type aborter interface{ abort() }

// Fire ends the exchange in progress and every later one. It does not wait
// for it. Calling it again does nothing.
func (c *Cancel) Fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fired {
		return
	}
	c.fired = true
	if c.hold != nil {
		c.hold.abort()
	}
	if c.done != nil {
		close(c.done)
	}
}

// Fired reports whether Fire was called.
func (c *Cancel) Fired() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fired
}

// Done is closed by Fire. The channel is made by the first call.
func (c *Cancel) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.fired {
			close(c.done)
		}
	}
	return c.done
}

// Reset makes a Cancel ready for another request. No exchange may be using it
// and nobody may call Fire at the same time.
func (c *Cancel) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fired, c.hold, c.done = false, nil, nil
}

// attach makes a the thing that Fire ends; false when Fire was called before.
func (c *Cancel) attach(a aborter) bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	if c.fired {
		c.mu.Unlock()
		return false
	}
	c.hold = a
	c.mu.Unlock()
	return true
}

// detach takes the thing out of Fire's reach; false when Fire ended it.
func (c *Cancel) detach() bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	c.hold = nil
	fired := c.fired
	c.mu.Unlock()
	return !fired
}
