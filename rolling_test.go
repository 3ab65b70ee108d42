package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// undisturbed is what every planned change promises: under load no request of any method fails, and no
// WebSocket or event stream is cut before its worker was given the drain time.
type undisturbed struct {
	d        *instance
	load     *load
	answered sync.Map
	streams  []*stream
	drain    time.Duration
	begun    time.Time
}

// disturb starts load and streams; the change comes next.
func disturb(d *instance, drain time.Duration) *undisturbed {
	d.t.Helper()
	u := &undisturbed{d: d, drain: drain}
	for range 4 {
		u.streams = append(u.streams, openEvents(d), openSocket(d, "/ws"))
	}
	u.load = startLoad(d, 100, getKind(), echoKind(), slowKind(), itemKind(&u.answered))
	u.begun = time.Now()
	return u
}

// repeat makes the change once, or again and again for a minute.
func (u *undisturbed) repeat(change func(n int)) {
	for n := 1; n == 1 || long() && time.Since(u.begun) < time.Minute; n++ {
		change(n)
	}
}

// check ends the load and looks at everything.
func (u *undisturbed) check() {
	u.d.t.Helper()
	u.load.end().noFailure(u.d.t, "GET", "POST echo", "slow GET", "POST item")
	u.d.checkJournal(&u.answered)
	for _, s := range u.streams {
		if err := s.cutBefore(u.begun.Add(u.drain)); err != nil {
			u.d.t.Error(err)
		}
	}
}

// unbroken fails the test for each stream that ended at all.
func (u *undisturbed) unbroken() {
	u.d.t.Helper()
	for _, s := range u.streams {
		if err := s.cutBefore(time.Now()); err != nil {
			u.d.t.Error(err)
		}
	}
}

const drain = 2 * time.Second // of journalSettings

func TestRoll_RestartFailsNoRequestAndCutsNoStream(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	u := disturb(d, drain)
	rolls := 0
	u.repeat(func(n int) {
		if code, stdout, stderr := d.cli("restart", "app", "--wait"); code != 0 {
			t.Errorf("drover restart app --wait ended with %d\n%s%s", code, stdout, stderr)
		}
		rolls = n
	})
	u.check()
	d.waitRunning(2)
	for _, w := range d.workers() {
		if w.Generation != 1+rolls {
			t.Errorf("after %d restarts there is %s", rolls, w.ID)
		}
	}
}

func TestRoll_NewWorkersThatNeverBecomeReadyAreGivenUp(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	marker := filepath.Join(d.dir, "broken")
	// A release that crashes at start as soon as the marker is there.
	script := filepath.Join(d.dir, "app.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n[ -e '"+marker+"' ] && exit 1\nexec '"+goServer(t)+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.setenv("SCRIPT", script)
	d.run(strings.NewReplacer("${GO_SERVER}", "${SCRIPT}", "workers: 4",
		"workers: 2\n    processManagement: { startTimeout: 10s }").Replace(journalSettings))
	d.waitRunning(2)
	before := d.workers()
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := startLoad(d, 60, getKind())
	if code, stdout, stderr := d.cli("restart", "app", "--wait"); code != 3 {
		t.Errorf("drover restart app --wait ended with %d, want 3\n%s%s", code, stdout, stderr)
	}
	l.end().noFailure(t, "GET")
	d.waitRunning(2)
	for i, w := range d.workers() {
		if w.PID != before[i].PID {
			t.Errorf("%s (pid %d) was replaced by %s (pid %d)", before[i].ID, before[i].PID, w.ID, w.PID)
		}
	}
}

func TestReload_InPlaceKeepsWorkersAndConnections(t *testing.T) {
	t.Parallel()
	settings := strings.Replace(journalSettings, "workers: 4", "workers: 2", 1)
	d := runGoServers(t, settings)
	d.waitRunning(2)
	before := d.workers()
	u := disturb(d, drain)
	// What changes here says nothing about how a worker is started.
	changed := strings.Replace(settings, "workers: 2", "workers: 2\n    strategy: round-robin\n    healthCheck: { interval: 1s, timeout: 500ms }", 1)
	changed += "routes: [ { match: { path: /v2/ }, pool: app, stripPrefix: /v2, headers: { response: { set: { X-Route: v2 } } } } ]\n"
	d.settings(changed)
	d.signal(syscall.SIGHUP)
	d.eventually("SIGHUP brings the new route", func() error {
		got, err := (&client{address: d.front}).once("GET", "/v2/", "")
		if err == nil && got.header.Get("X-Route") != "v2" {
			err = fmt.Errorf("status %d, header %v", got.status, got.header)
		}
		return err
	})
	d.settings(settings)
	if code, stdout, stderr := d.cli("reload"); code != 0 {
		t.Errorf("drover reload ended with %d\n%s%s", code, stdout, stderr)
	}
	if got, err := (&client{address: d.front}).once("GET", "/v2/", ""); err != nil || got.header.Get("X-Route") != "" {
		t.Errorf("the route is still there: %+v %v", got, err)
	}
	time.Sleep(500 * time.Millisecond) // the load goes on for a while after the change
	u.check()
	u.unbroken()
	for i, w := range d.workers() {
		if w.PID != before[i].PID {
			t.Errorf("%s was replaced by %s", before[i].ID, w.ID)
		}
	}
}

func TestReload_NewCommandRollsThePool(t *testing.T) {
	t.Parallel()
	settings := strings.Replace(journalSettings, "workers: 4", "workers: 2", 1)
	d := runGoServers(t, settings)
	d.waitRunning(2)
	u := disturb(d, drain)
	u.repeat(func(n int) {
		release := fmt.Sprint(n + 1)
		d.settings(strings.Replace(settings, `RELEASE: "1"`, `RELEASE: "`+release+`"`, 1))
		if code, stdout, stderr := d.cli("reload"); code != 0 {
			t.Errorf("drover reload ended with %d\n%s%s", code, stdout, stderr)
		}
		d.eventually("the new release answers alone", func() error {
			for range 8 {
				if _, body := d.request("GET", "/", ""); !strings.Contains(body, `"release":"`+release+`"`) {
					return fmt.Errorf("%.100s", body)
				}
			}
			for _, w := range d.workers() {
				if w.Generation != n+1 || w.State != "running" {
					return fmt.Errorf("%s is %s", w.ID, w.State)
				}
			}
			return nil
		})
	})
	u.check()
}

func TestReload_WrongSettingsLeaveAllAsItWas(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	before := d.workers()
	u := disturb(d, drain)
	for name, text := range map[string]string{
		"not YAML":      "server: [\n",
		"an unknown":    strings.Replace(journalSettings, "workers: 4", "wrokers: 4", 1),
		"a wrong value": strings.Replace(journalSettings, "workers: 4", "workers: -3", 1),
		"no command":    strings.Replace(journalSettings, "${GO_SERVER}", "/nonexistent/program", 1),
	} {
		d.settings(text)
		code, stdout, stderr := d.cli("reload")
		if code != 3 {
			t.Errorf("reload of settings with %s ended with %d, want 3\n%s%s", name, code, stdout, stderr)
		}
		if name != "no command" && !strings.Contains(stdout+stderr, "drover.yaml:") {
			t.Errorf("reload of settings with %s does not say where the fault is: %s%s", name, stdout, stderr)
		}
	}
	if status, body := d.post("/api/v1/reload", "{}"); status != http.StatusUnprocessableEntity {
		t.Errorf("POST /api/v1/reload with bad settings: %d %s", status, body)
	}
	d.signal(syscall.SIGHUP) // nobody waits for its outcome; the load must not notice
	u.check()
	u.unbroken()
	for i, w := range d.workers() {
		if w.PID != before[i].PID {
			t.Errorf("%s was replaced by %s", before[i].ID, w.ID)
		}
	}
}

func TestScale_InAndOutFailsNoRequest(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, journalSettings)
	d.waitRunning(4)
	u := disturb(d, drain)
	u.repeat(func(int) {
		for _, workers := range []int{1, 3} {
			if code, stdout, stderr := d.cli("scale", "app", fmt.Sprint(workers)); code != 0 {
				t.Errorf("drover scale app %d ended with %d\n%s%s", workers, code, stdout, stderr)
			}
			d.waitRunning(workers)
		}
	})
	u.check()
	// With auto the settings' number holds again.
	if code, stdout, stderr := d.cli("scale", "app", "auto"); code != 0 {
		t.Errorf("drover scale app auto ended with %d\n%s%s", code, stdout, stderr)
	}
	d.waitRunning(4)
	if status, body := d.post("/api/v1/pools/app/scale", `{"workers": -1}`); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
		t.Errorf("scaling to -1: %d %s", status, body)
	}
}

func TestWorker_DrainSendsNothingNewAndResumeTakesItBack(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	if code, stdout, stderr := d.cli("worker", "drain", "app-1"); code != 0 {
		t.Fatalf("drover worker drain app-1 ended with %d\n%s%s", code, stdout, stderr)
	}
	drained := 0
	for _, w := range d.workers() {
		if w.Drained {
			drained = w.PID
		}
	}
	if drained == 0 {
		t.Fatalf("no worker is drained: %+v", d.workers())
	}
	answers := func() (seen bool) {
		for range 20 {
			_, body := d.request("GET", "/", "")
			seen = seen || strings.Contains(body, fmt.Sprintf(`"pid":%d`, drained))
		}
		return seen
	}
	if answers() {
		t.Error("a drained worker was sent a request")
	}
	if code, stdout, stderr := d.cli("worker", "resume", "app-1"); code != 0 {
		t.Fatalf("drover worker resume app-1 ended with %d\n%s%s", code, stdout, stderr)
	}
	d.eventually("the worker is used again", func() error {
		if !answers() {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	if code, _, stderr := d.cli("worker", "drain", "app-9"); code != 1 && code != 3 || !strings.Contains(stderr, "app-9") {
		t.Errorf("draining an unknown worker ended with %d: %s", code, stderr)
	}
}
