package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

func TestEvents_StreamSendsRecentAndLive(t *testing.T) {
	f := func(path string, headers ...string) {
		t.Helper()
		s := serve(t, &fake{}, config.Admin{Socket: "auto"})
		_, c := s.start(t)
		r, err := http.NewRequest("GET", "http://localhost/api/v1/events"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // only read from
		lines := bufio.NewScanner(resp.Body)
		next := func() string {
			for lines.Scan() {
				if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					return text
				}
			}
			return "end"
		}
		if got := next(); !strings.Contains(got, `"kind":"worker-exited"`) {
			t.Errorf("recent: %s", got)
		}
		s.bus.Publish(event.Event{Kind: event.WorkerReady, Subject: "app-2.7", Attrs: map[string]any{"bad": func() {}}})
		if got := next(); !strings.Contains(got, `"kind":"worker-ready","subject":"app-2.7"`) {
			t.Errorf("live: %s", got)
		}
	}
	f("?follow=1")
	f("?follow=true&limit=1")
	f("", "Accept", "text/event-stream")
}

func TestEvents_StreamKeepsAliveAndEndsWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &fake{}, config.Admin{})
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), originKey{}, overUnix))
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/events?follow=1&limit=0", nil).WithContext(ctx))
		}()
		time.Sleep(heartbeat*3 + time.Second)
		cancel()
		<-done
		if got := strings.Count(w.Body.String(), ": \n\n"); got != 3 {
			t.Errorf("%d heartbeats in %q, want 3", got, w.Body)
		}
	})
}

// deadlines is a recorder that takes deadlines, as a connection does.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error  { return nil }
func (deadlines) SetWriteDeadline(time.Time) error { return nil }

func TestEvents_Limit(t *testing.T) {
	s := serve(t, &fake{}, config.Admin{})
	for range 3 {
		s.bus.Publish(event.Event{Kind: event.WorkerReady})
	}
	f := func(query string, code, want int) {
		t.Helper()
		w := ask(s, local, "GET", "/api/v1/events"+query, "")
		var list EventList
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != code || len(list.Events) != want {
			t.Errorf("%q: %d with %d events, %v; want %d with %d", query, w.Code, len(list.Events), err, code, want)
		}
	}
	f("", 200, 4)
	f("?limit=2", 200, 2)
	f("?limit=0", 200, 0)
	f("?limit=x", 400, 0)
}
