package sampleapp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// running is an application with a client that reaches it.
type running struct {
	*http.Client
	exits chan int
	stop  func() error // ends it and returns what Run returned
	log   string
}

// start runs the application on a socket.
func start(t *testing.T, vars ...string) *running {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.sock")
	vars = append(vars, "SOCKET", path)
	r, w := io.Pipe()
	a := &running{exits: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{
			Getenv: func(name string) string {
				for i := 0; i < len(vars); i += 2 {
					if vars[i] == name {
						return vars[i+1]
					}
				}
				return ""
			},
			Environ: func() []string { return []string{"B=2", "A=1"} },
			Log:     w,
			Exit: func(code int) {
				a.exits <- code
				panic(http.ErrAbortHandler) // the connection ends, as it would with the process
			},
		})
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	a.log = line
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	a.Client = &http.Client{Transport: transport}
	stopped := false
	a.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		defer transport.CloseIdleConnections()
		return <-ended
	}
	t.Cleanup(func() {
		if err := a.stop(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func (a *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := a.Get("http://localhost" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

func TestApp_Answers(t *testing.T) {
	a := start(t, "DROVER_WORKER_ID", "app-1.1")
	f := func(path string, code int, says string) {
		t.Helper()
		if gotCode, got := a.get(t, path); gotCode != code || !strings.Contains(got, says) {
			t.Errorf("%s: %d %.100q, want %d %q", path, gotCode, got, code, says)
		}
	}
	if !strings.HasPrefix(a.log, "app-1.1 listens on ") {
		t.Errorf("first line %q", a.log)
	}
	f("/", 200, "hello from app-1.1\n")
	f("/health", 200, "ok\n")
	f("/slow?ms=1", 200, "waited 1 ms\n")
	f("/slow?ms=x", 400, "ms must be a number")
	f("/slow?ms=-1", 400, "ms must be a number")
	f("/leak?mb=2", 200, "2 MB are held\n")
	f("/leak?mb=1", 200, "3 MB are held\n")
	f("/env", 200, "A=1\nB=2\n")
	f("/sse?n=2&ms=1", 200, "id: 1\ndata: event 1 from app-1.1\n\nid: 2\ndata: event 2 from app-1.1\n\n")
	f("/nothing", 404, "try /")
	for _, n := range []int{0, 1, 70000, 1 << 20} {
		if code, text := a.get(t, fmt.Sprintf("/bytes?n=%d", n)); code != 200 || len(text) != n {
			t.Errorf("/bytes?n=%d: %d with %d bytes", n, code, len(text))
		}
	}
}

func TestApp_EchoSendsTheBodyBackAsItComes(t *testing.T) {
	a := start(t)
	body, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "first") }() // what comes back tells
	r, err := a.Post("http://localhost/echo", "text/x", body)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // only read from
	back := make([]byte, 5)
	if _, err := io.ReadFull(r.Body, back); err != nil || string(back) != "first" {
		t.Errorf("%q, %v: want the beginning before the end was sent", back, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(r.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestApp_EchoSaysWhatItWasAsked(t *testing.T) {
	a := start(t)
	_, text := a.get(t, "/echo?a=b")
	var got struct {
		Method, URI, Host string
		Headers           http.Header
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Method != "GET" || got.URI != "/echo?a=b" || got.Host != "localhost" || len(got.Headers) == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	r, err := a.Post("http://localhost/echo", "text/x", bytes.NewReader(bytes.Repeat([]byte("x"), 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // read
	if err != nil || len(body) != 1<<20 || r.Header.Get("Content-Type") != "text/x" {
		t.Errorf("%d bytes of %s back, %v", len(body), r.Header.Get("Content-Type"), err)
	}
}

func TestApp_CrashExits(t *testing.T) {
	a := start(t)
	if _, err := a.Get("http://localhost/crash"); err == nil {
		t.Error("a crash answered")
	}
	if code := <-a.exits; code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
}

func TestApp_HangAnswersNothingAnyMore(t *testing.T) {
	a := start(t)
	patience := time.Second // for the first to arrive
	for _, path := range []string{"/hang", "/", "/health"} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		r, err := http.NewRequestWithContext(ctx, "GET", "http://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Do(r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want no answer", path, err)
		}
		cancel()
		patience = 50 * time.Millisecond
	}
}

func TestApp_StopEndsStreamsAndSockets(t *testing.T) {
	a := start(t)
	events, err := a.Get("http://localhost/sse?ms=3600000")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close() //nolint:errcheck // only read from
	lines := bufio.NewReader(events.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "id: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, "ws://localhost/ws", &websocket.DialOptions{HTTPClient: a.Client})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if kind, text, err := c.Read(ctx); err != nil || kind != websocket.MessageText || string(text) != "hello" {
		t.Fatalf("%v %q, %v", kind, text, err)
	}
	left := make(chan error, 1)
	go func() {
		_, _, err := c.Read(ctx)
		left <- err
	}()
	if err := a.stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if err := <-left; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the WebSocket ended with %v, want going away", err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("the event stream ended with %v", err)
	}
}

func TestListen_ChoosesBySocketPortAndFlag(t *testing.T) {
	f := func(o Options, want string, vars ...string) {
		t.Helper()
		o.Getenv = func(name string) string {
			for i := 0; i < len(vars); i += 2 {
				if vars[i] == name {
					return vars[i+1]
				}
			}
			return ""
		}
		l, err := listen(context.Background(), o)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", vars, err, want)
			}
			return
		}
		if got := l.Addr().String(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: listens on %s, want %s", vars, got, want)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	path := filepath.Join(t.TempDir(), "a.sock")
	f(Options{Listen: "127.0.0.2:0"}, "127.0.0.2:")
	f(Options{Listen: "127.0.0.2:0"}, "127.0.0.1:", "PORT", "0")
	f(Options{}, "127.0.0.3:", "PORT", "0", "HOST", "127.0.0.3")
	f(Options{}, path, "PORT", path, "SOCKET", path)
	f(Options{}, "set PORT or SOCKET, or give --listen", "PORT", "no-port")
}
