package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"go.uber.org/zap"

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
	if t.own == nil {
		r.server.metrics.ConnectionResult(t.name, "", endNoRoute)
		return
	}
	result := r.connect(t, c)
	r.server.metrics.ConnectionResult(t.name, t.own.name, result)
}

// connect finds an upstream that accepts the connection and relays. It returns
// how the connection ended.
func (r *relay) connect(t *table, c *conn) string {
	c.since.Store(r.server.tick.Load())
	a := relayAttempts{server: r.server, target: t.own, c: c, start: time.Now()}
	a.req.Tried = a.tried[:0]
	a.req.Hash = t.own.hash.of(&message{peerText: c.peerText}, c.peerText)
	upstream, err := a.dial()
	c.since.Store(0)
	if err != nil {
		switch {
		case c.gone():
			return endClientClosed
		case errors.Is(err, errDial):
			return endConnectFailed
		}
		f := statusFor(err)
		r.server.metrics.Rejected(f.end)
		return f.end
	}
	defer a.lease.Release(pool.Outcome{Result: pool.Neutral})
	defer func() { _ = upstream.Close() }() // the junction has closed it, or its end was in order
	c.state.Store(connTunnel)
	j := junction{client: c.nc, upstream: upstream, idle: t.timeouts.tunnelIdle, server: r.server}
	err = j.run(nil, nil)
	switch {
	case c.cut.Load():
		return endDraining
	case errors.Is(err, errIdle):
		return "idle"
	case err != nil:
		return "broken"
	}
	return resultOK
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
