package healthcheck

import (
	"context"
	"sync"
	"time"
)

// The pulse beats every pulsePeriod. A beat that comes more than pulseSlack
// late means that this process, or the whole machine, stood still or is so
// short of CPU that its own timers prove nothing about others.
const (
	pulsePeriod = 100 * time.Millisecond
	pulseSlack  = 250 * time.Millisecond
)

// pulse knows whether drover itself was able to run during a stretch of time.
type pulse struct {
	mu    sync.Mutex
	last  time.Time // last beat
	pause time.Time // end of the last pause
}

func newPulse(now time.Time) *pulse { return &pulse{last: now} }

func (p *pulse) run(ctx context.Context) {
	t := time.NewTicker(pulsePeriod)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			p.beat(time.Now())
		}
	}
}

// beat notes that we run at the moment now.
func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.last) > pulsePeriod+pulseSlack {
		p.pause = now
	}
	if now.After(p.last) {
		p.last = now
	}
}

// stoodStill tells whether there was a pause between start and now. Asking is
// a beat too: after a pause nobody knows which goroutine runs first.
func (p *pulse) stoodStill(start, now time.Time) bool {
	p.beat(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pause.After(start)
}
