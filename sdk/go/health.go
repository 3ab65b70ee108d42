package drover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// checkTime is how long one health check may take: less than what drover waits
// by default (healthCheck.timeout: 2s), so that it hears which one hangs.
const checkTime = 1500 * time.Millisecond

// Check says whether a part of the application is well: no error. The details
// are shown by drover, up to 4 KB as JSON; nil for none.
type Check func(ctx context.Context) (details any, err error)

// Health adds a check that is run when drover asks for this worker's health
// (healthCheck.type: ipc), all of them at the same time. One that has not
// returned when its context ends, after 1.5 seconds, has failed.
func (c *Client) Health(name string, check Check) {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	for i, have := range c.health.checks {
		if have.name == name {
			c.health.checks[i].run = check
			return
		}
	}
	c.health.checks = append(c.health.checks, namedCheck{name, check})
}

type health struct {
	c      *Client
	mu     sync.Mutex
	checks []namedCheck
}

type namedCheck struct {
	name string
	run  Check
}

// checked is the result of one check, as it goes over the wire.
type checked struct {
	Name    string          `json:"name"`
	OK      bool            `json:"ok"`
	Ms      float64         `json:"ms"`
	Message string          `json:"message,omitempty"`
	Details json.RawMessage `json:"details,omitempty"`
}

func newHealth(c *Client) *health { return &health{c: c} }

// take is called by the reader.
func (h *health) take(f *frame) {
	asked := time.Now()
	go func() {
		delay := time.Since(asked) // of a goroutine that is ready to run
		l := newLine("pong").id(f.ID).json("loopDelayMs", []byte(fmt.Sprint(inMs(delay))))
		if results := h.run(); len(results) > 0 {
			raw, err := encode(results)
			if err != nil {
				return // cannot happen: texts, numbers and details that were encoded before
			}
			l = l.json("checks", raw)
		}
		_ = h.c.put(l.end()) // closed: nobody asks any more
	}()
}

func (h *health) run() []checked {
	h.mu.Lock()
	checks := append([]namedCheck(nil), h.checks...)
	h.mu.Unlock()
	results := make([]checked, len(checks))
	var running sync.WaitGroup
	for i, check := range checks {
		running.Go(func() { results[i] = check.result(h.c.life) })
	}
	running.Wait()
	return results
}

// result runs the check, and does not wait for one that does not heed its context.
func (n namedCheck) result(ctx context.Context) checked {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, fmt.Errorf("not done within %v", checkTime))
	defer cancel()
	type outcome struct {
		details any
		err     error
	}
	start, done := time.Now(), make(chan outcome, 1)
	go func() {
		details, err := n.run(ctx)
		done <- outcome{details, err}
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		o.err = context.Cause(ctx)
	}
	r := checked{Name: n.name, Ms: inMs(time.Since(start))}
	if o.details != nil {
		raw, err := encode(o.details)
		r.Details, o.err = raw, errors.Join(o.err, err)
	}
	if r.OK = o.err == nil; !r.OK {
		r.Message = o.err.Error()
	}
	return r
}

func inMs(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}
