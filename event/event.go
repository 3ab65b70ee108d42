// Package event carries facts worth telling a person: a worker crashed, a
// breaker opened, settings were reloaded. Facts come up; nothing that routes
// or restarts depends on them, because the bus drops when a reader is slow.
package event

import "time"

// Event is one fact. It is a value and never changes after it was published.
type Event struct {
	Time    time.Time      `json:"ts"`
	Kind    Kind           `json:"kind"`
	Subject string         `json:"subject"` // what it is about: a worker, pool, upstream or listener
	Message string         `json:"message"`
	Attrs   map[string]any `json:"attrs,omitempty"` // beside these in the log, so that none is called ts, level, msg, component, event or subject
}
