package pool

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// breakerBuckets is how finely the window of the failure ratio moves on.
const breakerBuckets = 10

// The verdicts that gobreaker is told; nil is a success.
var (
	errFailed  = errors.New("counts as a failure")
	errNeutral = errors.New("counts neither way")
)

// breaker is the circuit breaker of one upstream. It mirrors gobreaker's state
// into the upstream's gate, so that an open breaker refuses without a lock and
// strategies can see it.
type breaker struct {
	upstream *Upstream
	cb       *gobreaker.TwoStepCircuitBreaker[struct{}]
	trials   uint32
	openFor  time.Duration
	state    atomic.Int32 // gobreaker.State
	dirty    atomic.Bool  // pending is not empty

	mu      sync.Mutex // a leaf: taken inside gobreaker's own lock, nothing is called while it is held
	pending []gobreaker.State
	timer   *time.Timer // of the open state
	retired bool
}

// newBreaker returns a closed breaker, nil when the settings switch it off.
func newBreaker(u *Upstream, s config.CircuitBreaker) *breaker {
	if !s.Enabled {
		return nil
	}
	b := &breaker{upstream: u, trials: uint32(max(s.HalfOpenRequests, 1)), openFor: s.OpenFor.Std()}
	if b.openFor <= 0 {
		b.openFor = time.Millisecond // gobreaker reads 0 as a minute
	}
	ratio, least := s.FailureRatio.Ratio(), uint32(max(s.MinRequests, 1))
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         u.ID,
		MaxRequests:  b.trials,
		Interval:     s.Interval.Std(),
		BucketPeriod: s.Interval.Std() / breakerBuckets,
		Timeout:      b.openFor,
		// Requests that are still out do not dilute the ratio.
		ReadyToTrip: func(c gobreaker.Counts) bool {
			n := c.TotalSuccesses + c.TotalFailures
			return n >= least && float64(c.TotalFailures) >= ratio*float64(n)
		},
		OnStateChange: b.changed,
		IsExcluded:    func(err error) bool { return errors.Is(err, errNeutral) },
	})
	return b
}

// allow asks the breaker. trial is set when the request is one of those that a
// half-open breaker lets through.
func (b *breaker) allow() (done func(error), trial *time.Timer, ok bool) {
	done, err := b.cb.Allow()
	b.flush()
	if err != nil {
		if errors.Is(err, gobreaker.ErrTooManyRequests) {
			b.markFull()
		}
		return nil, nil, false
	}
	if gobreaker.State(b.state.Load()) == gobreaker.StateHalfOpen {
		trial = b.startTrial(done)
	}
	return done, trial, true
}

// startTrial is apart from allow so that its closure costs nothing elsewhere.
func (b *breaker) startTrial(done func(error)) *time.Timer {
	return time.AfterFunc(b.openFor, func() { b.giveBack(done) })
}

// changed is called by gobreaker inside its lock: it notes the change and
// leaves the telling to flush, which whoever caused it calls outside the lock.
func (b *breaker) changed(_ string, _, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retired {
		return
	}
	b.state.Store(int32(to))
	b.upstream.gate.lower(gateFull)
	if to == gobreaker.StateOpen {
		b.upstream.trips.Add(1)
		b.upstream.gate.raise(gateTripped)
		b.timer = time.AfterFunc(b.openFor+time.Millisecond, b.nudge)
	} else {
		b.upstream.gate.lower(gateTripped)
	}
	b.pending = append(b.pending, to)
	b.dirty.Store(true)
}

// nudge makes gobreaker look at the time: it turns half-open only when asked,
// and nobody asks while the gate is shut.
func (b *breaker) nudge() {
	if b.cb.State() == gobreaker.StateOpen {
		b.mu.Lock()
		if !b.retired && b.timer != nil {
			b.timer.Reset(time.Millisecond)
		}
		b.mu.Unlock()
	}
	b.flush()
}

// flush publishes the changes of state that have gathered.
func (b *breaker) flush() {
	if !b.dirty.Load() {
		return
	}
	b.mu.Lock()
	states := b.pending
	b.pending = nil
	b.dirty.Store(false)
	b.mu.Unlock()
	for _, s := range states {
		b.tell(s)
	}
	b.upstream.pool.queue.recheck() // more, or less, to wait for
}

func (b *breaker) tell(s gobreaker.State) {
	u := b.upstream
	e := event.Event{Subject: u.ID, Attrs: map[string]any{"pool": u.pool.name}}
	switch s {
	case gobreaker.StateOpen:
		e.Kind = event.BreakerOpened
		e.Message = fmt.Sprintf("the circuit breaker of %s opened for %s: too many requests failed", u.ID, b.openFor)
	case gobreaker.StateHalfOpen:
		e.Kind = event.BreakerHalfOpen
		e.Message = fmt.Sprintf("the circuit breaker of %s lets %d requests through as a trial", u.ID, b.trials)
	default:
		e.Kind = event.BreakerClosed
		e.Message = "the circuit breaker of " + u.ID + " closed: the trial requests succeeded"
	}
	u.pool.bus.Publish(e)
}

// markFull notes that every trial is taken. The second look is for a trial
// that came back between the refusal and the note.
func (b *breaker) markFull() {
	b.upstream.gate.raise(gateFull)
	c := b.cb.Counts()
	if gobreaker.State(b.state.Load()) != gobreaker.StateHalfOpen || c.Requests < b.trials+c.TotalExclusions {
		b.upstream.gate.lower(gateFull)
	}
}

// giveBack frees the trial of an exchange that has gone on for as long as the
// breaker is ever open: it may be a stream of hours. Its verdict still counts
// when it comes.
func (b *breaker) giveBack(done func(error)) {
	done(errNeutral)
	b.upstream.gate.lower(gateFull)
	b.flush()
	b.upstream.pool.queue.recheck()
}

// retire ends its influence on the upstream; leases that it has let through may still report to it.
func (b *breaker) retire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retired = true
	if b.timer != nil {
		b.timer.Stop()
	}
	b.upstream.gate.lower(gateBreaker)
}

// BreakerState returns closed, open or half-open; "" when the breaker is disabled.
func (u *Upstream) BreakerState() string {
	if b := u.breaker.Load(); b != nil {
		return gobreaker.State(b.state.Load()).String()
	}
	return ""
}

// BreakerTrips returns how often the breaker has opened.
func (u *Upstream) BreakerTrips() uint64 { return u.trips.Load() }
