package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// upstream accepts connections and does with each what the test says; the request's head has been read.
func upstream(t *testing.T, behave func(net.Conn)) string {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					behave(c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) } // drover may have given up already
}

// logLine is what the tests read of an access log line.
type logLine struct {
	Msg, Method, Path, Pool, Upstream, End, RequestID string
	Status, Attempts                                  int
	Duration                                          float64
	TS                                                time.Time
}

// logged waits for the access log line of a path.
func (d *instance) logged(path string) logLine {
	d.t.Helper()
	var found logLine
	d.eventually("the access log has "+path, func() error {
		for line := range strings.SplitSeq(d.output(), "\n") {
			var l logLine
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "request" && (l.Path == path || strings.HasPrefix(l.Path, path+"?")) {
				found = l
				return nil
			}
		}
		return errors.New("it has not")
	})
	return found
}

// refusingAddress is a port that is held, so that nobody else gets it, and on
// which nobody listens.
func refusingAddress(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
}

func TestMisbehave_UpstreamsAreAnsweredForAndBlamed(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	refuses := refusingAddress(t)
	behaviours := map[string]string{
		"closes":  upstream(t, func(net.Conn) {}),
		"resets":  upstream(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }),
		"garbage": upstream(t, says("this is not HTTP at all\r\n\r\n")),
		"halfway": upstream(t, says("HTTP/1.1 200 OK\r\nContent-Le")),
		"lies":    upstream(t, says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello")),
		"silent":  upstream(t, func(net.Conn) { time.Sleep(patience) }),
		"refuses": refuses,
		"short":   upstream(t, says("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")),
		"chunks":  upstream(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")),
	}
	settings := "server: { listeners: [ { name: web, address: \"${FRONT}\" } ] }\nadmin: { address: \"${ADMIN}\" }\nroutes:\n"
	pools := "pools:\n"
	for name, address := range behaviours {
		settings += fmt.Sprintf("  - { match: { path: /%s }, pool: %s }\n", name, name)
		pools += fmt.Sprintf("  %s:\n    upstreams: [ { name: %s-1, address: %q } ]\n", name, name, address) +
			"    healthCheck: { enabled: false }\n    outlier: { enabled: false }\n    circuitBreaker: { enabled: false }\n"
		if name == "silent" {
			pools += "    timeouts: { firstByte: 500ms }\n"
		}
	}
	d.start("run", "-c", d.settings(settings+pools)).waitReady()

	f := func(method, name string, status int, end string) {
		t.Helper()
		path := "/" + name + "/" + method
		got, err := (&client{address: d.front}).once(method, path, "", "Accept: application/json")
		if err != nil {
			t.Errorf("%s %s: %v", method, path, err)
			return
		}
		if got.status != status || got.header.Get("Proxy-Status") == "" || got.header.Get("X-Request-Id") == "" || !json.Valid(got.body) {
			t.Errorf("%s %s: status %d, want %d; header %v, body %q", method, path, got.status, status, got.header, got.body)
		}
		line := d.logged(path)
		if line.Status != status || line.End != end || line.Upstream != name+"-1" || line.Pool != name {
			t.Errorf("%s %s: logged as %+v; want status %d, end %s, upstream %s-1", method, path, line, status, end, name)
		}
	}
	for _, method := range []string{"GET", "POST"} {
		f(method, "closes", 502, "upstream-reset")
		f(method, "resets", 502, "upstream-reset")
		f(method, "garbage", 502, "upstream-invalid")
		f(method, "lies", 502, "upstream-invalid")
		f(method, "silent", 504, "upstream-timeout")
		f(method, "refuses", 502, "connect-failed")
	}
	if got, err := (&client{address: d.front}).once("GET", "/halfway/GET", ""); err != nil || got.status != 502 {
		t.Errorf("half a head: %+v, %v", got, err)
	}
	// The head was on its way when the body ended: the client must see that it is not whole.
	for _, name := range []string{"short", "chunks"} {
		path := "/" + name + "/cut"
		if got, err := (&client{address: d.front}).once("GET", path, ""); err == nil {
			t.Errorf("GET %s: a body that was cut passes as whole: %+v", path, got)
		}
		if line := d.logged(path); line.End != "truncated" || line.Upstream != name+"-1" {
			t.Errorf("GET %s: logged as %+v; want end truncated", path, line)
		}
	}
}

func TestMisbehave_NoRouteAndNoUpstream(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.start("run", "-c", d.settings(`
server: { listeners: [ { name: web, address: "${FRONT}" } ] }
routes: [ { match: { path: /gone }, pool: gone } ]
pools:
  gone:
    upstreams: [ { name: gone-1, address: "127.0.0.1:1", weight: 0 } ]
    healthCheck: { enabled: false }
    queue: { timeout: 200ms }
admin: { address: "${ADMIN}" }
`))
	d.eventually("drover listens", func() error {
		c, err := net.Dial("tcp", d.front)
		if err != nil {
			return err
		}
		return c.Close()
	})
	if status, body := d.request("GET", "/nowhere", ""); status != 404 || body == "" {
		t.Errorf("no route: %d %q", status, body)
	}
	if line := d.logged("/nowhere"); line.End != "no-route" || line.Status != 404 {
		t.Errorf("no route is logged as %+v", line)
	}
	got, err := (&client{address: d.front}).once("GET", "/gone", "")
	if err != nil || got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("no upstream: %+v %v", got, err)
	}
	if line := d.logged("/gone"); line.Status != 503 {
		t.Errorf("no upstream is logged as %+v", line)
	}
}

func TestMisbehave_WorkersAreBlamedAndReplaced(t *testing.T) {
	t.Parallel()
	_, command := testWorker(t, "serve")
	d := newInstance(t)
	d.run(strings.Replace(`
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
pools:
  app:
    command: COMMAND
    workers: 2
    timeouts: { firstByte: 2s } # more than its end takes
admin: { address: "${ADMIN}" }
`, "COMMAND", command, 1))
	d.waitRunning(2)
	if status, _ := d.request("GET", "/hang", ""); status != 504 {
		t.Errorf("a worker that never answers: %d, want 504", status)
	}
	if line := d.logged("/hang"); line.End != "upstream-timeout" || !strings.HasPrefix(line.Upstream, "app-") {
		t.Errorf("a worker that never answers is logged as %+v", line)
	}
	if status, _ := d.request("POST", "/exit?code=3", ""); status != 502 {
		t.Errorf("a worker that dies over a POST: %d, want 502", status)
	}
	line := d.logged("/exit")
	if line.End != "upstream-reset" || line.Attempts != 1 {
		t.Errorf("a worker that dies over a POST is logged as %+v", line)
	}
	slot, _, _ := strings.Cut(line.Upstream, ".")
	d.eventually("the worker was replaced", func() error {
		for _, w := range d.running() {
			if w.Generation == 2 && w.Restarts == 1 && w.LastReason != "" && strings.HasPrefix(w.ID, slot+".") {
				return nil
			}
		}
		return fmt.Errorf("%+v", d.workers())
	})
}
