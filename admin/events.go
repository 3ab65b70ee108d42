package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drover-proxy/drover/event"
)

const (
	// eventBuffer is how many events wait for a slow reader before it misses some.
	eventBuffer = 256
	// heartbeat keeps a silent stream alive and finds readers that are gone.
	heartbeat = 15 * time.Second
	// eventWrite bounds how long a reader may block the stream.
	eventWrite = 10 * time.Second
)

// events sends the recent events, newest last; ?limit= keeps the newest so many.
// As a stream it goes on with those to come.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	limit := -1
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return badRequest("limit: %s is not a number of events", quoted(text))
		}
		limit = n
	}
	if !wantsStream(r) {
		return reply(w, http.StatusOK, EventList{Events: newest(s.bus.Recent(), limit)})
	}
	return s.follow(w, r, limit)
}

func wantsStream(r *http.Request) bool {
	follow, err := strconv.ParseBool(r.URL.Query().Get("follow"))
	return err == nil && follow || strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

func newest(events []event.Event, limit int) []event.Event {
	if limit >= 0 && len(events) > limit {
		events = events[len(events)-limit:]
	}
	return listed(events)
}

// follow subscribes first and looks at the recent ones then, so that none is
// missed in between; one that is in both is sent once.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, limit int) error {
	events, cancel := s.bus.Subscribe(eventBuffer)
	defer cancel()
	recent := s.bus.Recent()

	out := http.NewResponseController(w)
	if err := out.SetReadDeadline(time.Time{}); err != nil {
		return err // the stream would end with the time for reading a request
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	send := func(text string) bool {
		return out.SetWriteDeadline(time.Now().Add(eventWrite)) == nil &&
			write(w, text) == nil && out.Flush() == nil
	}
	open := send(": drover\n\n")
	for _, e := range newest(recent, limit) {
		open = open && send(message(e))
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for open {
		select {
		case e := <-events:
			if !slices.ContainsFunc(recent, func(sent event.Event) bool { return same(sent, e) }) {
				open = send(message(e))
			}
		case <-beat.C:
			open, recent = send(": \n\n"), nil // what was sent twice came long ago
		case <-r.Context().Done():
			open = false
		}
	}
	return nil
}

func same(a, b event.Event) bool {
	return a.Time.Equal(b.Time) && a.Kind == b.Kind && a.Subject == b.Subject && a.Message == b.Message
}

func message(e event.Event) string {
	data, err := json.Marshal(e)
	if err != nil { // an attribute that JSON has no form for
		e.Attrs = nil
		data, _ = json.Marshal(e)
	}
	return "event: " + string(e.Kind) + "\ndata: " + string(data) + "\n\n"
}

func write(w http.ResponseWriter, text string) error {
	_, err := fmt.Fprint(w, text)
	return err
}
