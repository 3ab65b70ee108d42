package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// stream is a long-lived exchange that is checked as it goes on.
type stream struct {
	kind  string
	close func()

	mu    sync.Mutex
	count int
	ended time.Time
	err   error
}

func (s *stream) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
}

func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.err = time.Now(), err
}

func (s *stream) ticks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// cutBefore says whether the stream ended before the moment, and why.
func (s *stream) cutBefore(moment time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended.IsZero() && s.ended.Before(moment) {
		return fmt.Errorf("%s was cut %v too early, after %d messages: %w", s.kind, moment.Sub(s.ended), s.count, s.err)
	}
	return nil
}

// openEvents reads the server-sent events of the ordinary Go server; their ids must have no gap.
func openEvents(d *instance) *stream {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{kind: "event stream", close: cancel}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.front+"/events", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		d.t.Fatalf("open an event stream: %v", err)
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		d.t.Fatalf("open an event stream: %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	go func() {
		defer func() { _ = resp.Body.Close() }()
		for n := 0; ; n++ {
			want := fmt.Sprintf("id: %d\ndata: tick %d\n\n", n, n)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil {
				s.end(err)
				return
			}
			if string(got) != want {
				s.end(fmt.Errorf("event %d is %q", n, got))
				return
			}
			s.tick()
		}
	}()
	s.started(d)
	return s
}

// openSocket sends a message over a WebSocket every 50 ms; each must come back.
func openSocket(d *instance, path string) *stream {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{kind: "WebSocket", close: cancel}
	socket, _, err := websocket.Dial(ctx, "ws://"+d.front+path, nil)
	if err != nil {
		d.t.Fatalf("open a WebSocket: %v", err)
	}
	go func() {
		defer func() { _ = socket.CloseNow() }()
		for n := 0; ; n++ {
			want := fmt.Sprintf("message %d", n)
			if err := socket.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
				s.end(err)
				return
			}
			if err := receive(ctx, socket, want); err != nil {
				s.end(err)
				return
			}
			s.tick()
			time.Sleep(50 * time.Millisecond)
		}
	}()
	s.started(d)
	return s
}

// receive reads until the message comes; what a server says of itself before it is passed over.
func receive(ctx context.Context, socket *websocket.Conn, want string) error {
	for greeting := 0; ; greeting++ {
		_, got, err := socket.Read(ctx)
		if err != nil {
			return err
		}
		if string(got) == want {
			return nil
		}
		if greeting > 0 || !strings.Contains(string(got), "hello") {
			return fmt.Errorf("received %q in place of %q", got, want)
		}
	}
}

// started waits for the first messages and lets the stream be closed with the test.
func (s *stream) started(d *instance) {
	d.t.Helper()
	d.t.Cleanup(s.close)
	d.eventually(s.kind+" delivers", func() error {
		if s.ticks() < 2 {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.ended.IsZero() {
				d.t.Fatalf("%s ended at once: %v", s.kind, s.err)
			}
			return fmt.Errorf("%d messages", s.count)
		}
		return nil
	})
}
