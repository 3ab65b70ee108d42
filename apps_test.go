package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// Real applications, none of which has a line for drover, started as `drover -- COMMAND` does.

func TestApps_NodeHTTP(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := newInstance(t).command("node", app(t, "node-http", "server.js"))
	d.answers("GET", "/hello?x=1", "", `"url":"/hello?x=1"`)
	d.answers("POST", "/echo", strings.Repeat("body ", 40_000), "body body")
	d.streamsEvents()
	d.spreads(2)
	d.listensOn("app", "unix:")
}

func TestApps_ExpressWithWebSocket(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	needModules(t, "express-ws")
	d := newInstance(t).command("node", app(t, "express-ws", "server.js"))
	d.answers("GET", "/", "", `"app":"express-ws"`)
	status, body := d.request("POST", "/items", `{"name":"pen"}`, "Content-Type: application/json")
	if status != http.StatusCreated || !strings.Contains(body, `"item":{"name":"pen"}`) {
		t.Errorf("POST /items: %d %s", status, body)
	}
	d.streamsEvents()
	openSocket(d, "/ws")
	d.spreads(2)
	d.listensOn("app", "unix:")
}

func TestApps_Python(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "python3")
	d := newInstance(t).command("python3", app(t, "python", "server.py"))
	d.answers("GET", "/", "", `"app": "python"`)
	d.answers("POST", "/", strings.Repeat("x", 12345), `"bytes": 12345`)
	d.streamsEvents()
	d.spreads(2)
	d.listensOn("app", "127.0.0.1:")
}

func TestApps_GoServer(t *testing.T) {
	t.Parallel()
	d := newInstance(t).command(goServer(t))
	d.answers("GET", "/", "", `"app":"go-server"`)
	d.answers("POST", "/echo", strings.Repeat("go ", 100_000), "go go")
	openEvents(d)
	openSocket(d, "/ws")
	d.spreads(2)
	d.listensOn("app", "127.0.0.1:")
}

func TestApps_NpmStart(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	d := newInstance(t).command("npm", "start", "--silent", "--prefix", app(t, "npm-start"))
	d.answers("GET", "/", "", `"app":"node-http"`)
	d.spreads(2)
	d.listensOn("app", "unix:")
}

func TestApps_Bun(t *testing.T) {
	t.Parallel()
	needModules(t, "bun")
	d := newInstance(t).command(bun(t), app(t, "bun", "server.ts"))
	d.answers("GET", "/", "", `"app":"bun"`)
	d.answers("POST", "/echo", strings.Repeat("bun ", 50_000), "bun bun")
	d.streamsEvents()
	openSocket(d, "/ws")
	d.spreads(2)
	d.listensOn("app", "unix:")
}

func bun(t *testing.T) string {
	t.Helper()
	return workertest.Bun(t, ".")
}

func TestApps_SampleApp(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.command(d.binary, "sample-app")
	for _, path := range []string{"/", "/health", "/slow?ms=10", "/bytes?n=70000", "/env"} {
		if status, body := d.request("GET", path, ""); status != http.StatusOK || body == "" {
			t.Errorf("GET %s: %d %q", path, status, body)
		}
	}
	if _, body := d.request("GET", "/bytes?n=70000", ""); len(body) != 70000 {
		t.Errorf("/bytes?n=70000 has %d bytes", len(body))
	}
}

// The settings file that ships with drover works as it stands; only its addresses are others here.
func TestApps_ExampleSettings(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := newInstance(t)
	text := string(raw)
	for from, to := range map[string]string{`":8080"`: `"` + d.front + `"`, `"127.0.0.1:9900"`: `"` + d.admin + `"`} {
		if !strings.Contains(text, from) {
			t.Fatalf("config.example.yaml has no %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	d.run(text)
	if status, body := d.request("GET", "/", ""); status != http.StatusOK || body == "" {
		t.Errorf("GET /: %d %q", status, body)
	}
}

// request sends one request to the front.
func (d *instance) request(method, path, body string, header ...string) (int, string) {
	d.t.Helper()
	got, err := (&client{address: d.front}).once(method, path, body, header...)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got.status, string(got.body)
}

// answers checks that a request is answered with 200 and a body that has the part.
func (d *instance) answers(method, path, body, part string) {
	d.t.Helper()
	status, got := d.request(method, path, body)
	if status != http.StatusOK || !strings.Contains(got, part) {
		d.t.Errorf("%s %s: %d %.300q", method, path, status, got)
	}
	if path == "/echo" && got != body {
		d.t.Errorf("%s %s: %d bytes came back, %d were sent", method, path, len(got), len(body))
	}
}

// streamsEvents checks that server-sent events pass one by one.
func (d *instance) streamsEvents() {
	d.t.Helper()
	c, err := (&client{address: d.front}).dial()
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprint(c, head(d.front, "GET", "/events", 0, []string{"Accept: text/event-stream"})); err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		d.t.Fatalf("event stream: %v", err)
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		d.t.Fatalf("event stream: %s %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	for seen := 0; seen < 3; {
		if !lines.Scan() {
			d.t.Fatalf("event stream ended after %d events: %v", seen, lines.Err())
		}
		if strings.HasPrefix(lines.Text(), "data: tick ") {
			seen++
		}
	}
}

// spreads checks that all workers are there, with pids of their own.
func (d *instance) spreads(workers int) {
	d.t.Helper()
	d.waitRunning(workers)
	pids := make(map[int]bool)
	for _, w := range d.workers() {
		pids[w.PID] = true
	}
	if len(pids) != workers {
		d.t.Errorf("%d workers have %d pids", workers, len(pids))
	}
}
