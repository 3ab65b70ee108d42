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

// journalSettings is a pool of ordinary Go servers that note each POST they execute.
const journalSettings = `
server:
  listeners: [ { name: web, address: "${FRONT}", pool: app } ]
  timeouts: { drain: 2s }
pools:
  app:
    command: ["${GO_SERVER}"]
    workers: 4
    env: { JOURNAL: "${DIR}/journal", RELEASE: "1" }
admin: { address: "${ADMIN}" }
`

// runGoServers starts an instance with these settings.
func runGoServers(t *testing.T, settings string) *instance {
	t.Helper()
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	return d.run(settings)
}

// itemKind posts items and keeps which of them were answered with 200.
func itemKind(answered *sync.Map) requester {
	return requester{"POST item", func(c *client, n int) error {
		id := fmt.Sprintf("item-%d", n)
		got, err := c.do("POST", "/items/"+id, "an item")
		if err != nil {
			return err
		}
		if got.status == http.StatusOK && string(got.body) == id+"\n" {
			answered.Store(id, true)
			return nil
		}
		return fmt.Errorf("status %d: %.200q", got.status, got.body)
	}}
}

// executed returns how often each POST was executed.
func (d *instance) executed() map[string]int {
	d.t.Helper()
	raw, err := os.ReadFile(filepath.Join(d.dir, "journal"))
	if err != nil {
		d.t.Fatal(err)
	}
	times := make(map[string]int)
	for _, id := range strings.Fields(string(raw)) {
		times[id]++
	}
	return times
}

// checkJournal fails the test for a POST that was executed twice, or answered and not executed.
func (d *instance) checkJournal(answered *sync.Map) {
	d.t.Helper()
	times := d.executed()
	for id, n := range times {
		if n > 1 {
			d.t.Errorf("%s was executed %d times", id, n)
		}
	}
	answered.Range(func(id, _ any) bool {
		if times[id.(string)] != 1 {
			d.t.Errorf("%s was answered with 200 and executed %d times", id, times[id.(string)])
		}
		return true
	})
}

func TestKill_NoGetFailsAndNoPostRunsTwice(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, journalSettings)
	d.waitRunning(4)
	var answered sync.Map
	l := startLoad(d, 120, getKind(), itemKind(&answered), slowKind())
	lasts := 8 * time.Second
	pause := 400 * time.Millisecond
	if long() {
		lasts, pause = time.Minute, 2*time.Second
	}
	kills := 0
	begun := time.Now()
	for ; time.Since(begun) < lasts || kills < 5 && time.Since(begun) < lasts+patience; time.Sleep(pause) {
		running := d.running()
		if len(running) < 2 {
			continue
		}
		victim := running[kills%len(running)]
		if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
			t.Fatalf("kill %s: %v", victim.ID, err)
		}
		kills++
	}
	l.end()
	if kills < 5 {
		t.Errorf("only %d workers were killed; the workers do not come back", kills)
	}
	t.Logf("%d workers killed", kills)
	l.noFailure(t, "GET", "slow GET")
	d.checkJournal(&answered)
	// A POST that a dying worker had in hand may fail, but with an answer that says so.
	failed := l.failures["POST item"]
	for _, f := range failed {
		if !strings.Contains(f, "status 502") {
			t.Errorf("a POST was not answered as it should: %s", f)
		}
	}
	t.Logf("%d POST requests, %d answered 502", l.sent["POST item"], len(failed))
	d.waitRunning(4)
	restarts := 0
	for _, w := range d.workers() {
		restarts += w.Restarts
	}
	if restarts < kills {
		t.Errorf("%d restarts are counted after %d kills", restarts, kills)
	}
}

// All workers at once: requests wait until the first is back.
func TestKill_RequestsWaitWhenAllWorkersDie(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, journalSettings)
	d.waitRunning(4)
	l := startLoad(d, 60, getKind())
	for _, w := range d.workers() {
		if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	d.eventually("four new workers run", func() error {
		running := d.running()
		for _, w := range running {
			if w.Generation < 2 {
				return fmt.Errorf("%s still counts as running", w.ID)
			}
		}
		if len(running) != 4 {
			return fmt.Errorf("%d run", len(running))
		}
		return nil
	})
	l.end().noFailure(t, "GET")
}
