package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

func TestWarming_LetsWorkersInWhenOneHasAnswered(t *testing.T) {
	var roll string
	var faults []string
	asked, answer := make(chan string), make(chan int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Host + r.URL.String()
		w.WriteHeader(<-answer)
	}))
	defer server.Close()
	p := pool.New("app", config.DefaultPool(), nil)
	worker := func(id string) *pool.Upstream {
		u, err := p.Add(pool.Spec{ID: id, Label: "app-1", Network: "tcp", Address: strings.TrimPrefix(server.URL, "http://"), Spawned: true})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	var running sync.WaitGroup
	w := &warming{paths: []string{"/a?b=c", "/d"}, within: func() time.Duration { return time.Minute }, roll: func() string { return roll },
		fault: func(err error) { faults = append(faults, err.Error()) }}
	w.start(t.Context(), running.Go)
	first, second := worker("app-1.1"), worker("app-2.1")
	admitted := func(u *pool.Upstream, want bool) {
		t.Helper()
		if got := w.admit(u); got != want {
			t.Errorf("%s is admitted: %t", u.ID, got)
		}
	}
	expect := func(path string, status int) {
		t.Helper()
		if got := <-asked; got != "localhost"+path {
			t.Errorf("asked for %s, want %s", got, path)
		}
		admitted(first, false)
		admitted(second, false)
		answer <- status
	}
	warm := func(status int) {
		t.Helper()
		admitted(first, false)
		expect("/a?b=c", status)
		expect("/d", 204)
		running.Wait()
		admitted(first, true)
		admitted(second, true)
	}
	warm(200)
	admitted(worker("app-1.2"), true) // restarted: the cache is warm
	roll = "roll-1"
	warm(302)
	roll = ""
	admitted(worker("app-1.3"), true)
	roll = "roll-2"
	warm(500)
	if got := strings.Join(faults, "|"); got != "warm the cache: /a?b=c of app-1.1: the answer has status 500" {
		t.Errorf("faults: %s", got)
	}
}

func TestWarming_AWorkerThatDoesNotAnswerHoldsNobodyForLong(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	p := pool.New("app", config.DefaultPool(), nil)
	u, err := p.Add(pool.Spec{ID: "app-1.1", Label: "app-1", Network: "tcp", Address: strings.TrimPrefix(server.URL, "http://"), Spawned: true})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var fault error
	w := &warming{paths: []string{"/"}, within: func() time.Duration { return 200 * time.Millisecond }, roll: func() string { return "" }, fault: func(err error) { fault = err }}
	w.start(t.Context(), running.Go)
	if w.admit(u) {
		t.Error("admitted before it was asked")
	}
	<-asked
	running.Wait()
	if timeout, ok := errors.AsType[*url.Error](fault); !w.admit(u) || !ok || !timeout.Timeout() {
		t.Errorf("admitted: %t, %v", w.admit(u), fault)
	}
}

// TestCache_IsWarmedByAWorker at the start and in a rolling restart, once each,
// and not when a worker is restarted.
func TestCache_IsWarmedByAWorker(t *testing.T) {
	t.Parallel()
	for _, ready := range []string{"healthCheck: { endpoint: /health }", "healthCheck: { enabled: false }"} {
		_, worker := testWorker(t, "talk")
		frame := url.QueryEscape(`{"drover":"cache","ops":[["increment","warm","times",1]]}`)
		d := newInstance(t).run(`
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
pools:
  app: { command: ` + worker + `, workers: 2, processManagement: { restartDelay: 1ms }, ` + ready + ` }
admin: { address: "${ADMIN}" }
cache: { enabled: true, warm: [ { pool: app, path: "/say?frame=` + frame + `" } ] }
`)
		d.waitRunning(2)
		warmed := func(times int) {
			t.Helper()
			d.eventually(fmt.Sprintf("warmed %d times", times), func() error {
				_, stdout, stderr := d.cli("cache", "get", "warm", "times")
				if stdout != fmt.Sprintln(times) {
					return fmt.Errorf("got %s%s", stdout, stderr)
				}
				return nil
			})
		}
		warmed(1)
		d.kill("app-1.1")
		d.eventually("app-1.2 runs", func() error {
			for _, w := range d.running() {
				if w.ID == "app-1.2" {
					return nil
				}
			}
			return fmt.Errorf("there are %+v", d.workers())
		})
		warmed(1)
		if code, _, stderr := d.cli("restart", "app", "--wait"); code != 0 {
			t.Fatalf("restart: %d %s", code, stderr)
		}
		warmed(2)
		d.cacheCommand("warm", 0, "stored: 0\nrequests answered: 1")
		warmed(3)
	}
}
