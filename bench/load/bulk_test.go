package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const bodySize = 300 << 10

// serve runs a server and returns options that load it for an instant.
func serve(t *testing.T, handler http.HandlerFunc) options {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return options{address: strings.TrimPrefix(server.URL, "http://"), path: "/", connections: 3, size: bodySize, bodies: 2}
}

func TestBulk_CountsWhatItFetched(t *testing.T) {
	o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(bodySize))
		_, _ = w.Write(make([]byte, bodySize)) // the client finds what is missing
	})
	got, err := runBulk(o)
	if err != nil || got.Requests != 6 || got.Bytes != 6*bodySize || got.P99 == 0 || got.P50 > got.P99 {
		t.Errorf("got %+v, %v", got, err)
	}
	o.size++
	if got, err := runBulk(o); err == nil {
		t.Errorf("short bodies were accepted as %+v", got)
	}
}

func TestBulk_SendsTheFileUntilTheTimeIsOver(t *testing.T) {
	o := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) // the client finds what is missing
		_, _ = fmt.Fprint(w, n)
	})
	o.upload, o.bodies, o.length = filepath.Join(t.TempDir(), "body"), 0, 100*time.Millisecond
	if err := os.WriteFile(o.upload, make([]byte, bodySize), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := runBulk(o)
	if err != nil || got.Requests < 3 || got.Bytes != got.Requests*bodySize || got.Elapsed < o.length {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBulk_RefusesFailures(t *testing.T) {
	f := func(upload bool, handler http.HandlerFunc) {
		t.Helper()
		o := serve(t, handler)
		if upload {
			o.upload = filepath.Join(t.TempDir(), "body")
			if err := os.WriteFile(o.upload, make([]byte, bodySize), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := runBulk(o); err == nil {
			t.Errorf("accepted as %+v", got)
		}
	}
	f(false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	f(true, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusRequestEntityTooLarge) })
	f(true, func(w http.ResponseWriter, r *http.Request) { // answers before it has read
		_, _ = fmt.Fprint(w, 0)
	})
}
