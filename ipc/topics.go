package ipc

import (
	"encoding/json"
	"time"

	"github.com/drover-proxy/drover/event"
)

// maxSubscriptions bounds the patterns of one worker.
const maxSubscriptions = 1000

// messageKind is the kind of event under which bare values are given on.
const messageKind = "message"

// followedEvents is how many events may wait for the hub.
const followedEvents = 256

// subscribe adds patterns of topics and events.
func (e *Endpoint) subscribe(f *frame, b *batch) *Error {
	topics, events, err := subscriptions(f)
	if err != nil {
		return err
	}
	e.mu.Lock()
	allTopics, allEvents := e.topics.plus(topics), e.events.plus(events)
	tooMany := len(allTopics)+len(allEvents) > maxSubscriptions
	if !tooMany {
		e.topics, e.events = allTopics, allEvents
	}
	e.mu.Unlock()
	if tooMany {
		return refuse(CodeTooManySubscriptions, "a worker may have %d patterns", maxSubscriptions)
	}
	e.takes.Store(true)
	e.reply(f.id, b, nothing)
	return nil
}

// unsubscribe takes patterns away, as they were given.
func (e *Endpoint) unsubscribe(f *frame, b *batch) *Error {
	topics, events, err := subscriptions(f)
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.topics, e.events = e.topics.minus(topics), e.events.minus(events)
	e.mu.Unlock()
	e.reply(f.id, b, nothing)
	return nil
}

func subscriptions(f *frame) (topics, events Patterns, err *Error) {
	if topics, err = patternsOf(f.topics); err == nil {
		events, err = patternsOf(f.events)
	}
	return topics, events, err
}

func patternsOf(raw []byte) (Patterns, *Error) {
	if raw == nil {
		return nil, nil
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil || len(texts) > maxSubscriptions {
		return nil, refuse(CodeBadFrame, "topics and events are lists of at most %d patterns", maxSubscriptions)
	}
	patterns, err := ParsePatterns(texts)
	if err != nil {
		return nil, refuse(CodeBadType, "%s", shorten(err.Error(), maxErrorMessage))
	}
	return patterns, nil
}

// plus returns both, without repetitions; ps itself is not changed.
func (ps Patterns) plus(more Patterns) Patterns {
	return append(ps.minus(more), more.unique()...)
}

func (ps Patterns) unique() Patterns {
	seen := make(map[pattern]bool, len(ps))
	var once Patterns
	for _, p := range ps {
		if !seen[p] {
			seen[p] = true
			once = append(once, p)
		}
	}
	return once
}

// minus returns those that are not among less; ps itself is not changed.
func (ps Patterns) minus(less Patterns) Patterns {
	gone := make(map[pattern]bool, len(less))
	for _, p := range less {
		gone[p] = true
	}
	var left Patterns
	for _, p := range ps {
		if !gone[p] {
			left = append(left, p)
		}
	}
	return left
}

// follow subscribes the hub to the events of drover.
func (h *Hub) follow() (<-chan event.Event, func()) {
	if h.bus == nil {
		return nil, func() {}
	}
	return h.bus.Subscribe(followedEvents)
}

// spread gives an event to the workers that subscribed to its kind.
func (h *Hub) spread(ev event.Event) {
	var frame []byte
	for _, e := range h.present.Load().all {
		if e.wantsEvent(string(ev.Kind)) {
			if frame == nil {
				frame = eventFrame(ev, nil)
			}
			e.tell(string(ev.Kind), frame, nil)
		}
	}
}

// tell puts the frame of an event into the worker's box if it subscribed and
// there is room.
func (e *Endpoint) tell(kind string, frame []byte, b *batch) {
	if !e.wantsEvent(kind) {
		return
	}
	if e.out.put(true, func(buf []byte) []byte { return append(buf, frame...) }) {
		e.hub.count("event", resultOK)
		b.add(e)
	} else {
		e.hub.count("event", CodeQueueFull)
	}
}

func (e *Endpoint) wantsEvent(kind string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events.Match(kind)
}

// eventFrame writes the frame of an event; data is the JSON of a bare value.
func eventFrame(ev event.Event, data []byte) []byte {
	if ev.Time.IsZero() {
		ev.Time = time.Now()
	}
	b := append([]byte(nil), `{"drover":"event","time":"`...)
	b = ev.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = appendString(append(b, `","kind":`...), string(ev.Kind))
	b = appendString(append(b, `,"subject":`...), ev.Subject)
	if ev.Message != "" {
		b = appendString(append(b, `,"message":`...), ev.Message)
	}
	if len(ev.Attrs) > 0 {
		if attrs, err := json.Marshal(ev.Attrs); err == nil { // what is no JSON is for people only
			b = append(append(b, `,"attrs":`...), attrs...)
		}
	}
	if data != nil {
		b = append(append(b, `,"data":`...), data...)
	}
	return append(b, '}')
}
