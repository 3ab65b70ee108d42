package event

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bus hands events to its subscribers without ever waiting for one of them.
// All methods may be called concurrently.
type Bus struct {
	dropped atomic.Uint64

	mu     sync.Mutex
	recent []Event // ring of the newest events
	next   int     // where the ring is written next
	subs   map[*subscription]struct{}
}

type subscription struct{ events chan Event }

// NewBus returns a bus that remembers the newest events, at most recent of them (1 or more).
func NewBus(recent int) *Bus {
	return &Bus{recent: make([]Event, 0, max(recent, 1)), subs: make(map[*subscription]struct{})}
}

// Publish stamps the event with the present time unless it has one, remembers it
// and offers it to each subscriber; one whose buffer is full misses it and the
// miss is counted. A nil bus takes events and forgets them.
func (b *Bus) Publish(e Event) {
	if b == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.recent) < cap(b.recent) {
		b.recent = append(b.recent, e)
	} else {
		b.recent[b.next] = e
		b.next = (b.next + 1) % len(b.recent)
	}
	for s := range b.subs {
		select {
		case s.events <- e:
		default:
			b.dropped.Add(1)
		}
	}
}

// Subscribe returns a channel of the events published from now on, which holds
// up to buffer of them, and a function that ends the subscription and closes it.
func (b *Bus) Subscribe(buffer int) (events <-chan Event, cancel func()) {
	s := &subscription{events: make(chan Event, buffer)}
	b.mu.Lock()
	b.subs[s] = struct{}{}
	b.mu.Unlock()
	return s.events, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, ok := b.subs[s]; ok {
			delete(b.subs, s)
			close(s.events)
		}
	}
}

// Recent returns the remembered events, oldest first.
func (b *Bus) Recent() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Event, 0, len(b.recent))
	out = append(out, b.recent[b.next:]...)
	return append(out, b.recent[:b.next]...)
}

// Dropped returns how many deliveries were missed by slow subscribers.
func (b *Bus) Dropped() uint64 { return b.dropped.Load() }
