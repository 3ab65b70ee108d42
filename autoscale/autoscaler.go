package autoscale

import (
	"context"
	"sync"
	"time"
)

// every is how often the signals are looked at: often enough for a queue that
// grows, and what it costs (a few atomics per worker) does not matter.
const every = 250 * time.Millisecond

// Scaler is the pool that is scaled.
type Scaler interface {
	// Adjust wants n workers from now on. reason, message (why, in words) and
	// numbers are told to people. It reports whether that changed anything.
	Adjust(n int, reason, message string, numbers map[string]any) bool
}

// Observer counts decisions.
type Observer interface {
	// AutoscaleDecisions counts n more; direction is up or down. n is 0 when
	// autoscaling begins, for each that there may be.
	AutoscaleDecisions(pool, direction, reason string, n int)
}

// Options are what an Autoscaler works with.
type Options struct {
	Pool     string
	Scaler   Scaler
	Signals  func() Signals
	Observer Observer
}

// Autoscaler keeps the number of workers of a pool as its policy says. Its
// methods may be called concurrently.
type Autoscaler struct {
	o       Options
	changed chan struct{} // buffer 1

	mu     sync.Mutex
	policy Policy
	last   Decision
}

// New returns an Autoscaler that has decided nothing yet.
func New(o Options, p Policy) *Autoscaler {
	return &Autoscaler{o: o, policy: p, changed: make(chan struct{}, 1)}
}

// Reconfigure changes the policy at once.
func (a *Autoscaler) Reconfigure(p Policy) {
	a.mu.Lock()
	a.policy = p
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default: // it will be looked at
	}
}

// Last returns the newest decision; the zero value before the first and while
// autoscaling is off.
func (a *Autoscaler) Last() Decision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// Run decides until ctx is done. The error is always nil.
func (a *Autoscaler) Run(ctx context.Context) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var state State
	announced := false
	for {
		ticks := ticker.C
		if !a.enabled() {
			ticks, state = nil, State{} // nothing to wake up for
		} else if !announced {
			a.announce()
			announced = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.changed:
		case now := <-ticks:
			state = a.decide(state, now)
		}
	}
}

// announce has the decisions counted from 0, so that the first one is an increase.
func (a *Autoscaler) announce() {
	for _, reason := range reasons {
		a.o.Observer.AutoscaleDecisions(a.o.Pool, reason.direction(), string(reason), 0)
	}
}

func (a *Autoscaler) enabled() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.policy.Enabled {
		a.last = Decision{}
	}
	return a.policy.Enabled
}

func (a *Autoscaler) decide(s State, now time.Time) State {
	a.mu.Lock()
	p := a.policy
	a.mu.Unlock()
	d, next := Decide(p, s, a.o.Signals(), now)
	a.mu.Lock()
	a.last = d
	a.mu.Unlock()
	if d.Reason == "" {
		return next
	}
	if a.o.Scaler.Adjust(d.Workers, string(d.Reason), d.explain(p), d.numbers()) {
		a.o.Observer.AutoscaleDecisions(a.o.Pool, d.Reason.direction(), string(d.Reason), 1)
	}
	return next
}
