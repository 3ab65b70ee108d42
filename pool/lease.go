package pool

import "time"

// Lease is a request's place on an upstream. It is a value with one owner;
// Release is called once, whatever happened.
type Lease struct {
	Upstream *Upstream

	done     func(error) // feeds the breaker; nil when it is disabled
	trial    *time.Timer // of a half-open breaker: gives the trial back when the exchange goes on for long
	reported bool
	released bool
}

// Acquire counts a request in, then checks draining and flags (in this order,
// so that a drain never misses one), then maxInFlightPerWorker, then asks the
// breaker. A refusal counts it out again and is ErrDraining, ErrSaturated or
// ErrBreakerOpen. It allocates for the breaker only.
func (u *Upstream) Acquire() (Lease, error) {
	n := u.inFlight.Add(1)
	if g := u.gate.load(); g&(gateQuit|gateTripped) != 0 {
		u.countOut()
		if g&gateQuit != 0 {
			return Lease{}, ErrDraining
		}
		return Lease{}, ErrBreakerOpen
	}
	if limit := u.pool.limit.Load(); limit > 0 && n > limit {
		u.countOut()
		return Lease{}, ErrSaturated
	}
	l := Lease{Upstream: u}
	if b := u.breaker.Load(); b != nil {
		var ok bool
		if l.done, l.trial, ok = b.allow(); !ok {
			u.countOut()
			return Lease{}, ErrBreakerOpen
		}
	}
	return l, nil
}

// Report tells the outcome of an exchange that goes on after its answer (a
// tunnel, a relay, an event stream), so that the breaker need not wait hours
// for it. Release then only counts out.
func (l *Lease) Report(o Outcome) {
	if l.reported || l.released {
		return
	}
	l.reported = true
	u := l.Upstream
	now := o.At
	if now.IsZero() {
		now = time.Now()
	}
	tick := u.pool.clock.tick(now)
	if o.Result != Neutral || o.Status != 0 {
		u.requests.Add(1)
	}
	if l.trial != nil {
		l.trial.Stop()
	}
	if l.done != nil {
		l.done(o.verdict())
		u.gate.lower(gateFull) // a trial has become free, or the state has changed
		if b := u.breaker.Load(); b != nil {
			b.flush()
		}
	}
	if o.Result == Neutral {
		return
	}
	failed := o.failed()
	if failed {
		u.errorRate.add(1, tick)
	} else {
		u.errorRate.add(0, tick)
		u.lastSuccess.Store(tick)
		if o.Latency > 0 {
			u.latency.add(float64(o.Latency), tick)
		}
	}
	u.countErrors(o.blamed())
}

// Release counts the request out and, unless Report was called, feeds breaker,
// ejection and averages with the outcome. Calling it again does nothing.
func (l *Lease) Release(o Outcome) {
	if l.released || l.Upstream == nil {
		return
	}
	l.Report(o)
	l.released = true
	l.Upstream.countOut()
}

// countOut takes one request off the count. The count is written before the
// gate and the queue are read, and those who shut the gate or join the queue
// write before they read the count, so that one of the two always notices.
func (u *Upstream) countOut() {
	if u.inFlight.Add(-1) == 0 && u.gate.has(gateQuit) {
		u.pool.notify()
	}
	if u.pool.queue.waiting.Load() > 0 {
		u.pool.queue.released(u)
	}
}
