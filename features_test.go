package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// What a pool may have beside workers and a strategy, with real workers.

// sampleSettings is a pool app of sample applications with these settings of its
// own, and these sections behind it.
func sampleSettings(workers int, own, more string) string {
	return fmt.Sprintf(`
server: { listeners: [ { name: web, address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
pools:
  app:
    command: ["${DROVER}", sample-app]
    workers: %d
    %s
%s`, workers, own, more)
}

// hello asks one request and returns the worker that answered.
func (d *instance) hello(header ...string) (worker string, got *answer) {
	d.t.Helper()
	got, err := (&client{address: d.front}).once("GET", "/", "", header...)
	if err != nil {
		d.t.Fatal(err)
	}
	worker, ok := strings.CutPrefix(strings.TrimSpace(string(got.body)), "hello from ")
	if got.status != 200 || !ok {
		d.t.Fatalf("%d %q", got.status, got.body)
	}
	return worker, got
}

// kill ends a worker as a crash would.
func (d *instance) kill(id string) {
	d.t.Helper()
	for _, w := range d.workers() {
		if w.ID == id {
			if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
				d.t.Fatal(err)
			}
			return
		}
	}
	d.t.Fatalf("there is no worker %s", id)
}

func TestSticky_OutlivesTheWorkerAndDrover(t *testing.T) {
	t.Parallel()
	settings := sampleSettings(3, "sticky: { cookie: stay }", "")
	d := newInstance(t).run(settings)
	d.waitRunning(3)
	home, got := d.hello()
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	slot, _, _ := strings.Cut(home, ".")
	stays := func(what string) {
		t.Helper()
		for range 6 {
			if worker, got := d.hello("Cookie: " + cookie); !strings.HasPrefix(worker, slot+".") || got.header.Get("Set-Cookie") != "" {
				t.Fatalf("%s: answered by %s, not by %s; %v", what, worker, slot, got.header)
			}
		}
	}
	if !strings.HasPrefix(cookie, "stay=") {
		t.Fatalf("the cookie is %q", cookie)
	}
	stays("at first")

	d.kill(home)
	d.eventually("the successor answers", func() error {
		if worker, _ := d.hello("Cookie: " + cookie); worker == home || !strings.HasPrefix(worker, slot+".") {
			return fmt.Errorf("%s does", worker) // others do meanwhile
		}
		return nil
	})
	stays("after its worker was replaced")
	if n := d.metric(`drover_sticky_requests_total{pool="app",result="new"}`); n != 1 {
		t.Errorf("%v requests count as new", n)
	}

	d.signal(syscall.SIGTERM)
	d.wait()
	d.run(settings)
	d.waitRunning(3)
	stays("after drover was restarted")
}

func TestSlowStart_ANewWorkerGetsLessAtFirst(t *testing.T) {
	t.Parallel()
	// The other upstream was there from the beginning and has its full share.
	old := upstream(t, says("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nhello from old"))
	d := newInstance(t).run(sampleSettings(1, fmt.Sprintf("slowStart: 1h\n    upstreams: [ { name: old, address: %q } ]", old), ""))
	d.waitRunning(1)
	n := map[string]int{}
	for range 300 {
		worker, _ := d.hello()
		n[worker]++
	}
	if n["app-1.1"] < 3 || n["app-1.1"] > 75 || n["app-1.1"]+n["old"] != 300 { // a tenth of the other's is 27
		t.Errorf("answered by %v", n)
	}
}

func TestFallback_AnotherPoolOrAnAnswer(t *testing.T) {
	t.Parallel()
	gone := refusingAddress(t)
	down := func(name, fallback string) string {
		return fmt.Sprintf("  %s:\n    upstreams: [ { name: %s-1, address: %q } ]\n    healthCheck: { enabled: false }\n"+
			"    retry: { backoff: { initial: 1ms } }\n    fallback: %s\n", name, name, gone, fallback)
	}
	d := newInstance(t).run(sampleSettings(1, "", down("down", "{ pool: app }")+
		down("page", "{ status: 503, body: \"<h1>Soon</h1>\", contentType: text/html }")+
		"routes: [ { match: { path: /echo }, pool: down }, { match: { path: /page }, pool: page } ]\n"))
	d.waitRunning(1)
	got, err := (&client{address: d.front}).once("POST", "/echo", "over there")
	if err != nil || got.status != 200 || string(got.body) != "over there" {
		t.Errorf("another pool: %+v, %v", got, err)
	}
	if line := d.logged("/echo"); line.Pool != "app" || line.End != "ok" || !strings.HasPrefix(line.Upstream, "app-1.") {
		t.Errorf("another pool: logged as %+v", line)
	}
	got, err = (&client{address: d.front}).once("GET", "/page", "")
	if err != nil || got.status != 503 || string(got.body) != "<h1>Soon</h1>" || got.header.Get("Content-Type") != "text/html" || got.header.Get("Retry-After") == "" {
		t.Errorf("an answer: %+v, %v", got, err)
	}
	if line := d.logged("/page"); line.Pool != "page" || line.End != "connect-failed" || line.Status != 503 {
		t.Errorf("an answer: logged as %+v", line)
	}
	for _, pool := range []string{"down", "page"} {
		if n := d.metric(fmt.Sprintf(`drover_fallbacks_total{pool=%q,reason="connect-failed"}`, pool)); n != 1 {
			t.Errorf("pool %s: %v fallbacks are counted", pool, n)
		}
	}
}
