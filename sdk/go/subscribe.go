package drover

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Event is something that has happened in the cluster.
type Event struct {
	Time    time.Time
	Kind    string // as drover events names it; message: a bare value that a worker of this pool sent
	Subject string // whom it is about, such as a worker's id
	Message string
	Data    json.RawMessage // of the kind message
}

// maxEvents is how many events wait for a slow reader of Client.Events; it misses the rest.
const maxEvents = 256

// Subscribe has the handler called for what is published on a topic, or on the
// topics that begin with what stands before a * at the end, until stop is
// called. It is acknowledged and kept in order as Client.Handle says.
func (c *Client) Subscribe(ctx context.Context, pattern string, fn func(ctx context.Context, m Message) error) (stop func(context.Context) error, err error) {
	t := &subscription{pattern: pattern, call: fn}
	if err := c.events.add(ctx, "topics", t); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return c.events.remove(ctx, "topics", t) }, nil
}

// Events returns the events of some kinds, also by the beginning of a kind with
// a * at its end, until ctx ends or the channel to drover closes. A slow reader misses some.
func (c *Client) Events(ctx context.Context, kinds ...string) (<-chan Event, error) {
	out := make(chan Event, maxEvents)
	var list []*subscription
	for _, kind := range kinds {
		list = append(list, &subscription{pattern: kind, events: out})
	}
	if err := c.events.add(ctx, "events", list...); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() {
		_ = c.events.remove(c.life, "events", list...) // closed: there is nothing left to end
		c.events.mu.Lock()
		defer c.events.mu.Unlock()
		c.events.closeLocked(out)
	})
	return out, nil
}

// subscription is one pattern with what takes what it matches.
type subscription struct {
	pattern string
	call    func(ctx context.Context, m Message) error // of topics
	events  chan Event                                 // of events
}

// subscribers are the subscriptions of this worker.
type subscribers struct {
	c     *Client
	order sync.Mutex // held while drover is told: the last word there is the last word here

	mu     sync.Mutex
	of     map[string][]*subscription // by what they are about: topics or events
	closed map[chan Event]bool
}

func newSubscribers(c *Client) *subscribers {
	return &subscribers{c: c, of: make(map[string][]*subscription), closed: make(map[chan Event]bool)}
}

// add takes subscriptions before it tells drover, so that nothing comes too early.
func (s *subscribers) add(ctx context.Context, about string, list ...*subscription) error {
	s.order.Lock()
	defer s.order.Unlock()
	s.mu.Lock()
	s.of[about] = append(s.of[about], list...)
	s.mu.Unlock()
	err := s.tell(ctx, "subscribe", about, patterns(list))
	if err != nil {
		s.dropped(about, list)
	}
	return err
}

// remove ends subscriptions; drover is told of those that nobody else has.
func (s *subscribers) remove(ctx context.Context, about string, list ...*subscription) error {
	s.order.Lock()
	defer s.order.Unlock()
	if gone := s.dropped(about, list); len(gone) > 0 {
		return s.tell(ctx, "unsubscribe", about, gone)
	}
	return nil
}

// dropped takes subscriptions out and returns the patterns that are in none any more.
func (s *subscribers) dropped(about string, list []*subscription) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.of[about])
	s.of[about] = slices.DeleteFunc(s.of[about], func(have *subscription) bool { return slices.Contains(list, have) })
	if len(s.of[about]) == before {
		return nil
	}
	left := patterns(s.of[about])
	return slices.DeleteFunc(patterns(list), func(p string) bool { return slices.Contains(left, p) })
}

func patterns(list []*subscription) []string {
	var all []string
	for _, s := range list {
		all = append(all, s.pattern)
	}
	return all
}

func (s *subscribers) tell(ctx context.Context, verb, about string, patterns []string) error {
	_, err := s.c.call(ctx, func(id uint64) line { return newLine(verb).id(id).texts(about, patterns).end() })
	return err
}

// topicHandler returns what handles a topic, or nil.
func (s *subscribers) topicHandler(topic string) *handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*subscription
	for _, t := range s.of["topics"] {
		if matches(t.pattern, topic) {
			all = append(all, t)
		}
	}
	if all == nil {
		return nil
	}
	return &handler{call: func(ctx context.Context, m Message) (any, error) {
		var first error
		for _, t := range all {
			if err := t.call(ctx, m); err != nil && first == nil {
				first = err
			}
		}
		return nil, first
	}}
}

// take gives an event to those who want it. It is called by the reader.
func (s *subscribers) take(f *frame) {
	e := Event{Time: f.Time, Kind: f.Kind, Subject: f.Subject, Message: f.Message, Data: f.Data}
	s.mu.Lock()
	defer s.mu.Unlock()
	given := make(map[chan Event]bool) // two patterns of one reader may match
	for _, t := range s.of["events"] {
		if !matches(t.pattern, e.Kind) || given[t.events] || s.closed[t.events] {
			continue
		}
		given[t.events] = true
		select {
		case t.events <- e:
		default:
		}
	}
}

// close ends the channels of all readers.
func (s *subscribers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.of["events"] {
		s.closeLocked(t.events)
	}
}

func (s *subscribers) closeLocked(out chan Event) {
	if !s.closed[out] {
		s.closed[out] = true
		close(out)
	}
}
