package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/internal/peeruser"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
	"github.com/drover-proxy/drover/strategy"
)

// relay serves the connections of tcp listeners: pick, acquire, dial (another
// upstream when that fails), copy both ways, release.
type relay struct{ server *Server }

// Results of a connection in drover_connections_total, besides the ends of requests.
const resultOK = "ok"

func (r *relay) serve(c *conn) {
	t := c.listener.table.Load()
	if !c.busy() {
		return
	}
	c.unfinished.Store(true) // also before an upstream takes it: that there is none is no empty answer
	if t.own == nil {
		r.server.metrics.ConnectionResult(t.name, "", endNoRoute)
		return
	}
	to, result := r.connect(t, c)
	r.server.metrics.ConnectionResult(t.name, to.name, result)
}

// connect finds an upstream that accepts the connection and relays. It returns
// how the connection ended, and at which target.
func (r *relay) connect(t *table, c *conn) (*target, string) {
	c.since.Store(r.server.tick.Load())
	a := relayAttempts{server: r.server, target: t.own, c: c, start: time.Now()}
	a.begin()
	upstream, err := a.dial()
	if f := dialFailure(err); err != nil && t.own.fallback != nil && f.nobodyTookIt() && !c.gone() {
		r.server.metrics.Fallback(t.own.name, f.end)
		a.target, a.start = t.own.fallback, time.Now()
		a.begin()
		upstream, err = a.dial()
	}
	c.since.Store(0)
	if err != nil {
		if c.gone() {
			return a.target, endClientClosed
		}
		f := dialFailure(err)
		if f.refused() {
			r.server.metrics.Rejected(f.end)
		}
		return a.target, f.end
	}
	defer a.lease.Release(pool.Outcome{Result: pool.Neutral})
	defer func() { _ = upstream.Close() }() // the junction has closed it, or its end was in order
	c.state.Store(connTunnel)
	j := junction{conn: c, upstream: upstream, idle: t.timeouts.tunnelIdle, server: r.server}
	err = j.run(nil, nil)
	if err == nil || errors.Is(err, errIdle) {
		c.unfinished.Store(false)
	}
	switch {
	case c.cut.Load():
		return a.target, endDraining
	case errors.Is(err, errIdle):
		return a.target, "idle"
	case err != nil:
		return a.target, "broken"
	}
	return a.target, resultOK
}

// dialFailure says why a connection was not relayed.
func dialFailure(err error) failure {
	if errors.Is(err, errDial) {
		return failConnect
	}
	return statusFor(err)
}

// begin makes the search begin with the target's pool.
func (a *relayAttempts) begin() {
	a.req.Tried = a.tried[:0]
	a.req.Hash = a.target.hash.of(&message{peerText: a.c.peerText}, a.c.peerText)
}

// relayAttempts is the search for an upstream for one connection.
type relayAttempts struct {
	server *Server
	target *target
	c      *conn
	start  time.Time
	req    strategy.Request
	tried  [8]*pool.Upstream
	lease  pool.Lease
}

var errDial = errors.New("no upstream accepted the connection")

// dial returns a connection to an upstream, with its lease in a.lease. Nothing
// was sent before it, so any number of upstreams may be tried.
func (a *relayAttempts) dial() (net.Conn, error) {
	t := a.target
	for n := 1; ; n++ {
		if err := a.acquire(); err != nil {
			return nil, err
		}
		up := a.lease.Upstream
		nc, latency, err := a.connect(up)
		l := t.links.of(up)
		l.metrics.Observe(0, latency)
		if err == nil && a.c.cancel.Fired() {
			_ = nc.Close() // nothing was sent over it
			a.lease.Release(pool.Outcome{Result: pool.Neutral})
			return nil, context.Canceled
		}
		if err == nil {
			a.lease.Report(pool.Outcome{Result: pool.Success, Latency: latency})
			return nc, nil
		}
		l.metrics.ConnectFailure()
		result := pool.ConnectFailed
		if pool.OwnFault(err) {
			result = pool.Neutral
		}
		a.lease.Release(pool.Outcome{Result: result})
		c := causeConnect
		if errors.Is(err, syscall.ECONNREFUSED) {
			c = causeRefused
		}
		if n >= t.retry.attempts || !t.retry.on[c] {
			a.server.log.Debug("no upstream accepted a connection", zap.String("pool", t.name), zap.Error(err))
			return nil, errDial
		}
		a.server.metrics.Retry(t.name, c.String())
		a.req.Tried = append(a.req.Tried, up)
	}
}

// connect dials one upstream. That a client leaves meanwhile is seen afterwards:
// a dial takes no longer than timeouts.connect, and watching it would cost a
// goroutine per connection.
func (a *relayAttempts) connect(up *pool.Upstream) (net.Conn, time.Duration, error) {
	from := time.Now()
	d := net.Dialer{Timeout: a.target.connect, KeepAlive: exchange.KeepAliveFor(up.Network, up.Address)}
	nc, err := d.Dial(up.Network, up.Address)
	nc, err = peeruser.Checked(nc, err, a.server.checkFor(up))
	return nc, time.Since(from), err
}

// acquire takes a place on an upstream, waiting in the pool's queue for one.
func (a *relayAttempts) acquire() error {
	t := a.target
	for range maxRefusals {
		up := t.strategy.Pick(t.pool.Snapshot(), &a.req)
		if up != nil {
			lease, err := up.Acquire()
			if err == nil {
				a.lease = lease
				return nil
			}
		}
		if len(a.req.Tried) > 0 {
			a.req.Tried = a.req.Tried[:0]
			if !a.pause(t.retry.pause(2)) {
				return context.Canceled
			}
			continue
		}
		from := time.Now()
		err := t.pool.Wait(queueDeadline(a.start, t.queueTimeout), a.c.cancel.Done())
		if waited := time.Since(from); waited > queueNoise {
			a.server.metrics.QueueWait(t.name, waited)
		}
		if err != nil {
			return err
		}
	}
	return pool.ErrSaturated
}

func (a *relayAttempts) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.c.cancel.Done():
		return false
	}
}
