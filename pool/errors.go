package pool

import "errors"

// The refusals. Callers branch on them with errors.Is.
var (
	ErrNoUpstream   = errors.New("no upstream is ready")
	ErrDraining     = errors.New("upstream is draining") // or drained, in maintenance, removed
	ErrSaturated    = errors.New("upstream is at its limit of requests in flight")
	ErrBreakerOpen  = errors.New("circuit breaker is open")
	ErrQueueFull    = errors.New("queue is full")
	ErrQueueTimeout = errors.New("waited too long in the queue")
)
