package sampleapp

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// events sends an event every ?ms= milliseconds, ?n= of them or without end.
func (a *app) events(w http.ResponseWriter, r *http.Request) {
	ms, ok := number(w, r, "ms", 1000, maxSlow.Milliseconds())
	if !ok {
		return
	}
	n, ok := number(w, r, "n", maxBytes, maxBytes)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	out := http.NewResponseController(w)
	tick := time.NewTicker(max(time.Duration(ms), 1) * time.Millisecond)
	defer tick.Stop()
	for i := int64(1); i <= n; i++ {
		if _, err := fmt.Fprintf(w, "id: %d\ndata: event %d from %s\n\n", i, i, a.name); err != nil || out.Flush() != nil {
			return
		}
		if i == n {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-a.stop.Done():
			return
		}
	}
}

// socket sends back each message of a WebSocket.
func (a *app) socket(w http.ResponseWriter, r *http.Request) {
	a.open.Add(1)
	defer a.open.Done()
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // any page may try the sample
	if err != nil {
		return // Accept has answered
	}
	c.SetReadLimit(1 << 20)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// The close frame goes out while Read waits; Read then returns.
	stopped := context.AfterFunc(a.stop, func() { _ = c.Close(websocket.StatusGoingAway, "the application stops") })
	defer stopped()
	for {
		kind, data, err := c.Read(ctx)
		if err != nil {
			_ = c.CloseNow() // the other end is gone, or closed it
			return
		}
		if c.Write(ctx, kind, data) != nil {
			_ = c.CloseNow()
			return
		}
	}
}
