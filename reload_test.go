package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mixed has a pool of workers and a pool of an address, the admin API itself.
const mixed = `
server:
  listeners: [ { address: "${FRONT}", pool: app } ]
  timeouts: { drain: 3s }
routes:
  - { match: { path: /fixed/ }, pool: fixed, stripPrefix: /fixed }
pools:
  app:
    command: ["${DROVER}", sample-app]
    workers: 1
  fixed:
    upstreams: [ { name: self, address: "${ADMIN}" } ]
    healthCheck: { endpoint: /healthz }
admin: { address: "${ADMIN}" }
`

// reload writes settings and applies them; it returns what the command says.
func (d *instance) reload(settings string, want int) string {
	d.t.Helper()
	d.settings(settings)
	code, stdout, stderr := d.cli("reload")
	if code != want {
		d.t.Errorf("drover reload ended with %d, want %d\n%s%s", code, want, stdout, stderr)
	}
	return stdout + stderr
}

// comesToAnswer waits until a path is answered with 200 and the text.
func (d *instance) comesToAnswer(path, text string) {
	d.t.Helper()
	d.eventually(path+" is answered with "+text, func() error {
		got, err := (&client{address: d.front}).once("GET", path, "")
		if err == nil && (got.status != http.StatusOK || !strings.Contains(string(got.body), text)) {
			err = fmt.Errorf("status %d: %.100s", got.status, got.body)
		}
		return err
	})
}

func TestReload_APoolGetsItsFirstCommandAndLosesIt(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(mixed)
	d.comesToAnswer("/fixed/healthz", "ok")
	withCommand := strings.Replace(mixed, `upstreams: [ { name: self, address: "${ADMIN}" } ]`, `command: ["${DROVER}", sample-app]`, 1)
	withCommand = strings.Replace(withCommand, "endpoint: /healthz", "endpoint: /health", 1)
	if said := d.reload(withCommand, 0); !strings.Contains(said, "rolling restart: fixed") {
		t.Errorf("the reload says %q", said)
	}
	d.comesToAnswer("/fixed/", "hello from fixed-")
	if said := d.reload(mixed, 0); !strings.Contains(said, "pools.fixed.command") || strings.Contains(said, "rolling restart") {
		t.Errorf("the reload says %q", said)
	}
	d.comesToAnswer("/fixed/healthz", "ok")
	d.waitRunning(1) // that of the other pool
}

func TestReload_APoolComesBackOnlyAfterItsWorkersAreGone(t *testing.T) {
	t.Parallel()
	without := strings.Replace(mixed, "drain: 3s", "drain: 1m", 1) // it is the stream's end that ends it
	settings := strings.Replace(without, "routes:", "routes:\n  - { match: { path: /more/ }, pool: more, stripPrefix: /more }", 1)
	settings = strings.Replace(settings, "  fixed:\n", "  more: { command: [\"${DROVER}\", sample-app], workers: 1 }\n  fixed:\n", 1)
	d := newInstance(t).run(settings)
	stream, err := http.Get("http://" + d.front + "/more/sse")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	if said := d.reload(without, 0); !strings.Contains(said, "removed pools: more") {
		t.Errorf("the reload says %q", said)
	}
	if said := d.reload(settings, 3); !strings.Contains(said, "still drain") {
		t.Errorf("the reload says %q", said)
	}
	_ = stream.Body.Close() // the drain ends
	d.eventually("the pool is back", func() error {
		if code, _, stderr := d.cli("reload"); code != 0 {
			return fmt.Errorf("status %d: %s", code, stderr)
		}
		return nil
	})
	d.comesToAnswer("/more/", "hello from more-1.1")
}

func TestReload_WhatCannotBeAppliedLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(mixed)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	free := freeAddress(t)
	before, workers := d.effective(), d.workers()
	for _, c := range []struct{ old, new, says string }{
		{"routes:", "routes: []\nroutes:", "given twice"},
		{"listeners: [", fmt.Sprintf("listeners: [ { address: %q, pool: app }, { address: %q, pool: app },", free, busy.Addr()), "in use"},
		{"admin:", "logging: { files: [ { path: /proc/none/x.log } ] }\nadmin:", "logging.files"},
		{"pools:", "pools:\n  more: { command: [/none/at/all] }", "/none/at/all"},
	} {
		// Beside what cannot be there is always something that could.
		changed := strings.Replace(strings.Replace(mixed, c.old, c.new, 1), "workers: 1", "workers: 2", 1)
		if said := d.reload(changed, 3); !strings.Contains(said, c.says) {
			t.Errorf("the reload says %q, not %q", said, c.says)
		}
		if now := d.effective(); now != before {
			t.Errorf("after a refused reload the settings are\n%s\nand were\n%s", now, before)
		}
	}
	if nc, err := net.Dial("tcp", free); err == nil {
		_ = nc.Close()
		t.Errorf("%s is open after a reload that was refused", free)
	}
	if now := d.workers(); len(now) != 1 || now[0].PID != workers[0].PID {
		t.Errorf("the workers are %+v and were %+v", now, workers)
	}
	if out := d.output(); !strings.Contains(out, "given twice") {
		t.Error("the log does not say what was wrong")
	}
}

// effective returns the settings in force, as JSON.
func (d *instance) effective() string {
	d.t.Helper()
	status, body, err := d.api("GET", "/api/v1/config", "")
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("GET /api/v1/config: %d %v", status, err)
	}
	return body
}

func TestReload_ABrokenPoolDoesNotEndADroverThatServes(t *testing.T) {
	t.Parallel()
	fixed := strings.Replace(mixed, "  app:\n    command: [\"${DROVER}\", sample-app]\n    workers: 1\n", "", 1)
	fixed = strings.Replace(fixed, "pool: app", "pool: fixed", 1)
	d := newInstance(t).run(fixed)
	d.reload(strings.Replace(fixed, "pools:", "pools:\n  more: { command: [\"false\"], workers: 1, processManagement: { restartDelay: 10ms, maxRestartDelay: 20ms } }", 1), 0)
	d.eventually("the new pool has given up", func() error {
		if n := strings.Count(d.output(), `"event":"worker-exited"`); n < 5 {
			return fmt.Errorf("%d exits", n)
		}
		return nil
	})
	d.comesToAnswer("/healthz", "ok")
	if d.ended() {
		t.Error("drover ended")
	}
}

func TestStop_WaitsForWorkersOfARemovedPool(t *testing.T) {
	t.Parallel()
	settings := strings.Replace(mixed, "  fixed:\n", "  more: { command: [\"${DROVER}\", sample-app], workers: 1 }\n  fixed:\n", 1)
	d := newInstance(t).run(strings.Replace(settings, "pool: app }", "pool: more }", 1))
	answered := make(chan error, 1)
	go func() {
		got, err := (&client{address: d.front}).once("GET", "/slow?ms=1500", "")
		if err == nil && got.status != http.StatusOK {
			err = fmt.Errorf("status %d", got.status)
		}
		answered <- err
	}()
	d.eventually("the request is under way", func() error {
		var p struct{ InFlight int }
		if d.get("/api/v1/pools/more", &p); p.InFlight != 1 {
			return fmt.Errorf("%d in flight", p.InFlight)
		}
		return nil
	})
	d.reload(mixed, 0)
	if code, _, stderr := d.cli("stop"); code != 0 {
		t.Errorf("drover stop ended with %d: %s", code, stderr)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d", code)
	}
	if err := <-answered; err != nil {
		t.Errorf("the request failed: %v", err)
	}
}

func TestRun_LeavesNoSocketWhenItCannotListen(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	busy, err := net.Listen("tcp", d.front)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	if code, said := d.try("run", "-c", d.settings(mixed)); code != 1 || !strings.Contains(said, "in use") {
		t.Errorf("drover run ended with %d: %s", code, said)
	}
	left, err := filepath.Glob(filepath.Join(d.dir, "run", "drover", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("it left %v %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "run", "drover")); err != nil {
		t.Errorf("the test looked in the wrong place: %v", err)
	}
}

// A variable that the new settings read a token from is none of the workers' business.
func TestReload_ATokenOfNewSettingsDoesNotReachWorkers(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.setenv("OPS_TOKEN", "known-to-operators")
	d.setenv("DROVER_ADMIN_TOKEN", "known-to-operators") // for the commands
	d.run(mixed)
	d.comesToAnswer("/env", "OPS_TOKEN=")
	withToken := strings.Replace(mixed, `admin: { address: "${ADMIN}" }`, `admin: { address: "${ADMIN}", tokens: [ { name: ops, role: operator, token: "${OPS_TOKEN}" } ] }`, 1)
	d.reload(withToken, 0)
	if code, out, errs := d.cli("restart", "app", "--wait"); code != 0 {
		t.Fatalf("restart ended with %d\n%s%s", code, out, errs)
	}
	got, err := (&client{address: d.front}).once("GET", "/env", "")
	if err != nil || got.status != http.StatusOK {
		t.Fatal(err, got)
	}
	if text := string(got.body); strings.Contains(text, "known-to-operators") || !strings.Contains(text, "DROVER_WORKER_ID=app-1.2") {
		t.Errorf("the new worker sees\n%s", text)
	}
}

// The address stays, what is spoken on it changes.
func TestReload_AListenerChangesItsProtocol(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(mixed)
	d.comesToAnswer("/", "hello from app-1.1")
	d.reload(strings.Replace(strings.Replace(mixed, `pool: app } ]`, `pool: app, protocol: tcp } ]`, 1), "routes:\n  - { match: { path: /fixed/ }, pool: fixed, stripPrefix: /fixed }\n", "", 1), 0)
	got, err := (&client{address: d.front}).once("GET", "/", "")
	if err != nil || got.header.Get("X-Request-Id") != "" {
		t.Errorf("over the relay: %+v, %v", got, err)
	}
	d.reload(mixed, 0)
	d.comesToAnswer("/fixed/healthz", "ok")
}

func TestReload_MessagesAndCacheWaitForANewStart(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(mixed)
	changed := mixed + "ipc: { maxDepth: 3 }\ncache: { enabled: true }\n"
	for range 2 { // it stays a difference, and is not shown as if it held
		if said := d.reload(changed, 0); !strings.Contains(said, "takes effect when drover is started anew: cache.enabled, ipc.maxDepth") {
			t.Errorf("the reload says %q", said)
		}
		if got := d.effective(); !strings.Contains(got, `"maxDepth":64`) {
			t.Errorf("in force is %s", got)
		}
	}
	if code, _, stderr := d.cli("cache", "stats"); code != 3 {
		t.Errorf("drover cache stats: %d %s", code, stderr)
	}
}
