package drover

import "sync"

// calls are the frames that wait for drover's reply, by id.
type calls struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]func(*frame, error)
	err     error
}

func newCalls() *calls {
	return &calls{waiting: make(map[uint64]func(*frame, error))}
}

// open returns the id of a new call. done is called once, unless the call is
// forgotten: by the reader, so it must not block, or by what closes the client.
func (c *calls) open(done func(*frame, error)) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.last++
	c.waiting[c.last] = done
	return c.last, nil
}

// remove forgets a call: a reply that comes now is ignored.
func (c *calls) remove(id uint64) func(*frame, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := c.waiting[id]
	delete(c.waiting, id)
	return done
}

// answer gives a reply to its call.
func (c *calls) answer(f *frame) {
	done := c.remove(f.ID)
	switch {
	case done == nil: // forgotten
	case f.Error != nil:
		done(nil, f.Error)
	default:
		done(f, nil)
	}
}

// fail ends all calls, also those to come.
func (c *calls) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	all := c.waiting
	c.waiting = make(map[uint64]func(*frame, error))
	c.mu.Unlock()
	for _, done := range all {
		done(nil, err)
	}
}
