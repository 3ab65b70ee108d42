package proxy

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// exchange sends the request until an upstream has answered it or nothing more
// may be tried. This is the only place that sends a request again. When it
// returns nil, k.resp holds the answer and k.lease the place.
func (k *call) exchange() error {
	r := &k.record
	k.began = k.entered
	for {
		if err := k.acquire(); err != nil {
			return err
		}
		r.Attempts++
		r.Upstream = k.lease.Upstream.ID
		k.link = k.target.links.of(k.lease.Upstream)
		k.req.Now = k.began
		err := k.link.client.Do(&k.req, &k.resp)
		now := k.resp.Received
		if err != nil {
			now = time.Now()
		}
		k.latency = now.Sub(k.began)
		if err == nil {
			k.spent++
			if !gatewayError(k.resp.Status) || !k.again(causeGateway, false) {
				return nil
			}
			k.release(pool.Outcome{Result: pool.Success, Status: k.resp.Status, Latency: k.latency})
		} else {
			failed := k.failed(err)
			if failed.Kind == exchange.ConnectFailed || failed.Kind == exchange.Refused {
				k.link.metrics.ConnectFailure()
			}
			k.link.metrics.Observe(0, k.latency)
			r.UpstreamDuration = k.latency
			k.link = nil
			k.lease.Release(pool.Outcome{Result: k.outcomeOf(err)})
			c := causeOf(failed)
			if !k.neverReached(c) {
				k.spent++
			}
			if !k.again(c, failed.Unsent) {
				return err
			}
			// One worker that is lost under a request is replaced by another at
			// once. After the second one it may be that all of them end: whoever
			// ends them gets a moment, in which they leave the snapshot, and the
			// request then waits for their successors.
			if c == causeReset && k.spent > 1 && k.lease.Upstream.Spawned {
				if err := k.pause(k.target.retry.pause(k.spent)); err != nil {
					return err
				}
			}
		}
		k.pick.Tried = append(k.pick.Tried, k.lease.Upstream)
		k.began = now
	}
}

// neverReached reports whether the attempt found a worker that is not there any
// more: the supervisor will have noticed in a moment, and the request is as good
// as one that is still in the queue. It uses up the queue's time, not an attempt.
func (k *call) neverReached(c cause) bool {
	return (c == causeConnect || c == causeRefused) && k.lease.Upstream.Spawned &&
		time.Now().Before(queueDeadline(k.entered, k.target.queueTimeout))
}

// failed returns err as the exchange's own type; its documentation promises that it is.
func (k *call) failed(err error) *exchange.Error {
	var e *exchange.Error
	if errors.As(err, &e) {
		return e
	}
	return &exchange.Error{Kind: exchange.Reset, Err: err}
}

// maxRefusals bounds how often a request is picked for in vain, when others are
// faster each time.
const maxRefusals = 1000

// acquire takes a place on an upstream, waiting in the pool's queue for one.
func (k *call) acquire() error {
	t := k.target
	for range maxRefusals {
		snap := t.pool.Snapshot()
		var up *pool.Upstream
		if t.sticky != nil {
			up = k.preferred(snap)
		}
		if up == nil {
			up = t.strategy.Pick(snap, &k.pick)
		}
		if up != nil {
			lease, err := up.Acquire()
			if err == nil {
				k.lease = lease
				return nil
			}
			if errors.Is(err, pool.ErrDraining) {
				runtime.Gosched() // the pool is publishing a snapshot without it
				continue
			}
		}
		// Nothing is left but what failed on this request before. That is tried
		// again after a pause, in which it may have been replaced.
		if len(k.pick.Tried) > 0 {
			k.pick.Tried = k.pick.Tried[:0]
			if err := k.pause(t.retry.pause(k.record.Attempts + 1)); err != nil {
				return err
			}
			continue
		}
		if err := k.wait(); err != nil {
			return err
		}
	}
	return pool.ErrSaturated
}

// queueDeadline is until when a request that came to a pool at start may queue.
func queueDeadline(start time.Time, timeout time.Duration) time.Time {
	if timeout <= 0 {
		timeout = 10 * 365 * 24 * time.Hour // no bound
	}
	return start.Add(timeout)
}

// queueNoise is what asking the pool takes when there is nothing to wait for.
const queueNoise = 20 * time.Microsecond

// wait queues for an upstream.
func (k *call) wait() error {
	t := k.target
	deadline := queueDeadline(k.entered, t.queueTimeout)
	if d := k.req.Deadline; !d.IsZero() && d.Before(deadline) {
		deadline = d
	}
	from := time.Now()
	err := t.pool.Wait(deadline, k.m.cancel.Done())
	k.began = time.Now()
	if waited := k.began.Sub(from); waited > queueNoise {
		k.record.QueueWait += waited
		k.server.metrics.QueueWait(t.name, waited)
	}
	if errors.Is(err, context.Canceled) {
		return &exchange.Error{Kind: exchange.Canceled, Unsent: true, Err: err}
	}
	return err
}

// pause waits between two attempts.
func (k *call) pause(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		k.began = time.Now()
		return nil
	case <-k.m.cancel.Done():
		return &exchange.Error{Kind: exchange.Canceled, Unsent: true, Err: context.Canceled}
	}
}

// again reports whether the request may be sent once more, and makes it ready.
func (k *call) again(c cause, unsent bool) bool {
	rule := &k.target.retry
	if c == causeNone || k.spent >= rule.attempts || !rule.allows(c, k.m.method, unsent) || k.m.cancel.Fired() {
		return false
	}
	if k.late() || k.informed { // nothing is sent again after a byte went to the client
		return false
	}
	if k.m.body != nil {
		// After an answer the upload has to be stopped before the body could be
		// rewound: not worth it for an answer that can be passed on as well.
		if c == causeGateway || !k.m.body.rewind() {
			return false
		}
	}
	if !k.retrying {
		if !k.target.budget.take(k.active(), rule.ratio, k.m.cancel.Done) {
			return false
		}
		k.retrying = true
	}
	k.server.metrics.Retry(k.target.name, c.String())
	return true
}

// active returns how many requests the pool has in hand.
func (k *call) active() int64 {
	n := int64(k.target.pool.QueueLength())
	for _, u := range k.target.pool.All() {
		n += u.InFlight()
	}
	return n
}

// release ends the exchange and gives the place back.
func (k *call) release(o pool.Outcome) {
	_ = k.resp.Close() // never fails
	k.ended = k.m.now()
	o.At = k.ended
	k.record.UpstreamDuration = k.ended.Sub(k.began)
	if k.link != nil {
		k.link.metrics.Observe(o.Status, k.record.UpstreamDuration)
		k.link = nil
	}
	k.lease.Release(o)
}
