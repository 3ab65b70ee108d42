package ipc

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of what is kept of a worker's own checks.
const (
	maxChecks       = 50
	maxCheckName    = 64
	maxCheckMessage = 1 << 10
	maxCheckDetails = 4 << 10
)

// Health is what a worker last said of itself.
type Health struct {
	LoopDelayMS float64       `json:"loopDelayMs"` // how late its event loop is, in milliseconds
	Checks      []CheckResult `json:"checks"`      // of the application
}

// CheckResult is one check of the application.
type CheckResult struct {
	Name    string          `json:"name"`
	OK      bool            `json:"ok"`
	MS      float64         `json:"ms"` // how long it took, in milliseconds
	Message string          `json:"message,omitempty"`
	Details json.RawMessage `json:"details,omitempty"`
}

// Err names the checks that failed; nil if none did.
func (h Health) Err() error {
	var failed []string
	for _, c := range h.Checks {
		if !c.OK {
			failed = append(failed, strings.TrimSuffix(c.Name+": "+c.Message, ": "))
		}
	}
	if failed == nil {
		return nil
	}
	return fmt.Errorf("checks failed: %s", strings.Join(failed, "; "))
}

// pings are the questions for its health that a worker has not answered yet.
type pings struct {
	last    uint64
	waiting map[uint64]chan error // each holds one
}

func (p *pings) add() (id uint64, answer chan error) {
	if p.waiting == nil {
		p.waiting = make(map[uint64]chan error)
	}
	p.last++
	answer = make(chan error, 1)
	p.waiting[p.last] = answer
	return p.last, answer
}

// settle answers the ping with this id and those before it, which the worker
// has passed over.
func (p *pings) settle(id uint64, err error) {
	for other, answer := range p.waiting {
		if other <= id {
			answer <- err
			delete(p.waiting, other)
		}
	}
}

// fail answers all.
func (p *pings) fail(err error) { p.settle(p.last, err) }

// Ping asks a worker over its channel how it is. It returns nil when the worker
// answered before ctx ended and every check of its own passed.
func (h *Hub) Ping(ctx context.Context, workerID string) error {
	e := h.present.Load().find(workerID)
	if e == nil {
		return refuse(CodeNoTarget, "worker %s has no channel", workerID)
	}
	e.mu.Lock()
	if e.gone {
		e.mu.Unlock()
		return refuse(CodeWorkerGone, "worker %s has closed its channel", e.id)
	}
	id, answer := e.pings.add()
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.pings.waiting, id)
		e.mu.Unlock()
	}()
	if !e.out.put(true, func(b []byte) []byte { return append(appendHead(b, "ping", id), '}') }) {
		return refuse(CodeQueueFull, "worker %s does not read what it is sent", e.id)
	}
	e.out.flush()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("ping over the channel: no answer: %w", ctx.Err())
	}
}

// Health returns what a worker last said of itself; false before it did.
func (h *Hub) Health(workerID string) (Health, bool) {
	e := h.present.Load().find(workerID)
	if e == nil {
		return Health{}, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.health, e.health.Checks != nil
}

// pong takes the answer to a ping.
func (e *Endpoint) pong(f *frame, _ *batch) *Error {
	health, err := parseHealth(f)
	if err != nil {
		return err
	}
	e.takes.Store(true)
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.id > e.pings.last {
		return refuse(CodeBadFrame, "pong to a ping %d that was not sent", f.id)
	}
	e.health = health
	e.pings.settle(f.id, health.Err())
	return nil
}

func parseHealth(f *frame) (Health, *Error) {
	h := Health{Checks: []CheckResult{}}
	var refusal *Error
	if h.LoopDelayMS, refusal = f.loopDelay(); refusal != nil {
		return h, refusal
	}
	if f.checks == nil {
		return h, nil
	}
	if err := json.Unmarshal(f.checks, &h.Checks); err != nil {
		return h, refuse(CodeBadFrame, "pong: checks: %v", err)
	}
	if len(h.Checks) > maxChecks {
		h.Checks = h.Checks[:maxChecks]
	}
	for i := range h.Checks {
		c := &h.Checks[i]
		if c.Name == "" {
			return h, refuse(CodeBadFrame, "pong: check %d has no name", i+1)
		}
		c.Name, c.Message = shorten(c.Name, maxCheckName), shorten(c.Message, maxCheckMessage)
		if len(c.Details) > maxCheckDetails {
			c.Details = nil
		}
	}
	return h, nil
}

// loopDelay is how late the event loop of a worker is, in milliseconds; 0 where it
// does not say.
func (f *frame) loopDelay() (float64, *Error) {
	if f.loopDelayMs == nil {
		return 0, nil
	}
	ms, err := strconv.ParseFloat(string(f.loopDelayMs), 64)
	if err != nil { // beyond all numbers
		return 0, refuse(CodeBadFrame, "%s: loopDelayMs is out of range", f.verb)
	}
	return ms, nil
}

// shorten cuts text to at most n bytes, between characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
