package healthcheck

import (
	"context"
	"errors"
)

// Pinger asks a worker over its message channel how it is. It is satisfied by
// *ipc.Hub.
type Pinger interface {
	// Ping returns nil when the worker answered and every check of its own
	// passed; it honours the deadline of ctx.
	Ping(ctx context.Context, workerID string) error
}

// IPCCheck asks workers over their message channel: whether their event loop
// turns, and what the application's own checks say.
type IPCCheck struct{ pinger Pinger }

// NewIPCCheck returns an IPCCheck; env needs a Pinger.
func NewIPCCheck(env Env) (*IPCCheck, error) {
	if env.Pinger == nil {
		return nil, errors.New("healthCheck.type: ipc needs workers that drover starts; give the pool a command, or use http or tcp")
	}
	return &IPCCheck{pinger: env.Pinger}, nil
}

// Probe implements Check. Upstreams that drover has not started fail.
func (c *IPCCheck) Probe(ctx context.Context, t Target) error { return c.pinger.Ping(ctx, t.ID) }
