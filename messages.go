package main

import (
	"context"
	"errors"
	"time"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/ipc"
)

// Broadcast sends a message to all workers of a pool, or of all.
func (b backend) Broadcast(ctx context.Context, pool, kind string, data []byte) (admin.Broadcasted, error) {
	r, err := b.d.hub.Broadcast(ctx, pool, kind, data)
	out := admin.Broadcasted{Received: r.Received, Sent: r.Sent}
	for _, f := range r.Failed {
		out.Failed = append(out.Failed, admin.Undelivered{Worker: f.Worker, Code: f.Code, Message: f.Message})
	}
	return out, messageRefusal(err)
}

// Send sends a message to one worker.
func (b backend) Send(ctx context.Context, to admin.Target, kind string, data []byte) (admin.Delivered, error) {
	d, err := b.d.hub.Send(ctx, ipc.Target(to), kind, data)
	return admin.Delivered{Worker: d.Worker, Acknowledged: d.Acknowledged}, messageRefusal(err)
}

// Request asks one worker.
func (b backend) Request(ctx context.Context, to admin.Target, kind string, data []byte, timeout time.Duration) (admin.Response, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	a, err := b.d.hub.Request(ctx, ipc.Target(to), kind, data)
	return admin.Response{From: a.From, Data: a.Data}, messageRefusal(err)
}

// messageRefusal chooses the API's status for an error of the hub.
func messageRefusal(err error) error {
	if refused, ok := errors.AsType[*ipc.Error](err); ok {
		return admin.MessageError(refused.Code, refused.Message)
	}
	return err
}

// checks returns what a worker last said of itself over its channel.
func (d *drover) checks(workerID string) (loopDelayMS *float64, checks []admin.Check) {
	h, ok := d.hub.Health(workerID)
	if !ok {
		return nil, nil
	}
	for _, c := range h.Checks {
		checks = append(checks, admin.Check{Name: c.Name, OK: c.OK, MS: c.MS, Message: c.Message, Details: c.Details})
	}
	return &h.LoopDelayMS, checks
}
