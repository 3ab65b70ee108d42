package drover

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Message is what a handler gets.
type Message struct {
	From    string          // the sender's id, or drover
	Type    string          // of a message or a request
	Topic   string          // of what was published
	Data    json.RawMessage // JSON
	Request bool            // whether the sender waits for what the handler returns
}

// Decode reads the data into a value.
func (m Message) Decode(into any) error {
	if err := json.Unmarshal(m.Data, into); err != nil {
		return &Error{Code: "refused", Message: fmt.Sprintf("the data of %s%s is not of the form that is expected here: %v", m.Type, m.Topic, err)}
	}
	return nil
}

// Handler answers requests and takes messages. What it returns for a request is
// encoded as JSON; for a message it is dropped. An error reaches the sender, with
// its code if it is an *Error, else with handler-error.
type Handler func(ctx context.Context, m Message) (any, error)

// HandleOption changes how a handler is called.
type HandleOption func(*handler)

// Concurrent lets messages be handled at the same time and in any order, also
// those of one sender. Requests always are.
func Concurrent() HandleOption { return func(h *handler) { h.concurrent = true } }

type handler struct {
	call       Handler
	concurrent bool
}

// Handle sets the handler for a type, or for the types that begin with what
// stands before a * at the end. The exact name wins, then the longest pattern.
// Like http.Handle it panics where there is a handler already.
//
// Messages of one sender are handled one after another in the order in which
// they were sent, those of several senders at the same time. A message is
// acknowledged when its handler has returned, or has run for a tenth of a
// second: one that waits behind a slow handler is not, so that a sender is never
// told that a message arrived which then is lost with this process. A request is
// handled at once in a goroutine of its own; its context ends when the requester
// no longer waits.
func (c *Client) Handle(pattern string, fn Handler, options ...HandleOption) {
	h := &handler{call: fn}
	for _, o := range options {
		o(h)
	}
	c.handlers.add(pattern, h)
}

// Handle sets a handler that gets the data as a value of the type In. See Client.Handle.
func Handle[In, Out any](c *Client, pattern string, fn func(ctx context.Context, in In) (Out, error), options ...HandleOption) {
	c.Handle(pattern, func(ctx context.Context, m Message) (any, error) {
		var in In
		if err := m.Decode(&in); err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}, options...)
}

// On sets a handler for messages, which answers nothing. See Client.Handle.
func On[In any](c *Client, pattern string, fn func(ctx context.Context, from string, in In) error, options ...HandleOption) {
	c.Handle(pattern, func(ctx context.Context, m Message) (any, error) {
		var in In
		if err := m.Decode(&in); err != nil {
			return nil, err
		}
		return nil, fn(ctx, m.From, in)
	}, options...)
}

// Request sends a request and reads its answer as a value of the type Out. See Client.Request.
func Request[Out any](ctx context.Context, c *Client, to Target, kind string, data any) (Out, error) {
	var out Out
	answer, err := c.Request(ctx, to, kind, data)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(answer.Data, &out); err != nil {
		return out, fmt.Errorf("read the answer of %s to %s: %w", answer.From, kind, err)
	}
	return out, nil
}

// handlers are those of the types.
type handlers struct {
	mu       sync.RWMutex
	exact    map[string]*handler
	prefixes map[string]*handler
}

func newHandlers() *handlers {
	return &handlers{exact: make(map[string]*handler), prefixes: make(map[string]*handler)}
}

func (hs *handlers) add(pattern string, h *handler) {
	in, name := hs.exact, pattern
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		in, name = hs.prefixes, prefix
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if in[name] != nil {
		panic("drover: there are two handlers for " + pattern)
	}
	in[name] = h
}

// find returns the handler of a type, or nil.
func (hs *handlers) find(kind string) *handler {
	hs.mu.RLock()
	defer hs.mu.RUnlock()
	if h := hs.exact[kind]; h != nil {
		return h
	}
	for n := len(kind); n >= 0 && len(hs.prefixes) > 0; n-- {
		if h := hs.prefixes[kind[:n]]; h != nil {
			return h
		}
	}
	return nil
}

func noHandler(kind string) *Error {
	return &Error{Code: "no-handler", Message: "nobody handles " + kind}
}
