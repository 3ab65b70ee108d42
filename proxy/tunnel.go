package proxy

import (
	"bytes"
	"errors"

	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/proxy/exchange"
)

// tunnel passes a 101 on and then whatever both sides send. The place on the
// upstream is held until the tunnel ends, so that a drain waits for it.
func (k *call) tunnel() {
	r, resp, m := &k.record, &k.resp, k.m
	k.lease.Report(pool.Outcome{Result: pool.Success, Status: resp.Status, Latency: k.latency})
	upstream, early := resp.Tunnel()
	if upstream == nil { // canceled at the last moment
		r.Status, r.End = statusClientClosed, k.endOf(&exchange.Error{Kind: exchange.Canceled})
		k.release(pool.Outcome{Result: pool.Neutral})
		return
	}
	defer func() { _ = upstream.Close() }() // closed by then, unless the client could not be told
	a := answer{
		status: resp.Status, reason: resp.Reason, fields: resp.Fields, bodyless: true, id: k.id,
		edit: k.target.response, upgrade: m.upgrade, lines: k.ownLines(),
	}
	k.replied = true
	r.Status, r.End = resp.Status, endOK
	client, err := k.out.tunnel(&a)
	if err != nil {
		r.End = endClientClosed
		k.release(pool.Outcome{Result: pool.Neutral})
		return
	}
	k.t.tunnels.Open()
	defer k.t.tunnels.Close()
	j := junction{conn: client.conn, upstream: upstream, idle: k.t.timeouts.tunnelIdle, server: k.server}
	err = j.run(bytes.Clone(client.read), bytes.Clone(early))
	r.BytesIn, r.BytesOut = j.up.moved.Load(), j.down.moved.Load()
	switch {
	case m.link.ended():
		r.End = endDraining
	case errors.Is(err, errPanic):
		r.End = endInternal
	case err != nil && isTimeout(err):
		r.End = endTruncated
	}
	k.release(pool.Outcome{Result: pool.Neutral})
}
