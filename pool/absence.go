package pool

import "time"

// absence is how long an upstream that is not there is expected back. It is
// longer than a worker waits for its restart (maxRestartDelay is 30 s by default).
const absence = time.Minute

// MayReturn tells whether there is an upstream of that label, in whatever
// state, or was one until a minute ago. In the pool's own first minute it is
// true of any label: not all that are to come have joined.
func (p *Pool) MayReturn(label string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.getLocked(label) != nil || time.Since(p.clock.epoch) < absence {
		return true
	}
	at, ok := p.left[label]
	return ok && time.Since(at) < absence
}

// noteLeftLocked remembers that an upstream was removed, and forgets those of long ago.
func (p *Pool) noteLeftLocked(label string) {
	now := time.Now()
	for l, at := range p.left {
		if now.Sub(at) >= absence {
			delete(p.left, l)
		}
	}
	if p.left == nil {
		p.left = make(map[string]time.Time)
	}
	p.left[label] = now
}
