package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// slowStarters is settings with workers that take a while to listen.
func slowStarters(t *testing.T, workers, ms int, own string) string {
	t.Helper()
	_, command := testWorker(t, "slowstart", fmt.Sprint(ms))
	return strings.Replace(sampleSettings(workers, own, ""), `["${DROVER}", sample-app]`, command, 1)
}

// aliveKind is a GET that any worker of internal/workertest answers with its id.
func aliveKind() requester {
	return requester{"GET", func(c *client, n int) error { return expect(c, "GET", fmt.Sprintf("/?n=%d", n), "", 200, "app-") }}
}

func TestFault_TwoRollsAtOnce(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(slowStarters(t, 2, 300, ""))
	d.waitRunning(2)
	l := startLoad(d, 50, aliveKind())
	var mu sync.Mutex
	var asking sync.WaitGroup
	statuses, id := map[int]int{}, ""
	for range 8 {
		asking.Go(func() {
			status, body, err := d.api("POST", "/api/v1/pools/app/restart", "{}", "Content-Type: application/json")
			if err != nil {
				t.Error(err)
			}
			var started admin.Started
			if status == http.StatusAccepted && json.Unmarshal([]byte(body), &started) != nil {
				t.Errorf("the answer is %s", body)
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
			id += started.ID
		})
	}
	asking.Wait()
	if statuses[http.StatusAccepted] != 1 || statuses[http.StatusConflict] != 7 {
		t.Fatalf("eight at once are answered with %v", statuses)
	}
	d.eventually("the one that began succeeds", func() error {
		var o admin.Operation
		if d.get("/api/v1/operations/"+id, &o); o.State != admin.Succeeded {
			return fmt.Errorf("it is %+v", o)
		}
		return nil
	})
	l.end().noFailure(t, "GET")
	d.waitRunning(2)
	for _, w := range d.workers() {
		if w.Generation != 2 {
			t.Errorf("there is %s", w.ID)
		}
	}
}

func TestFault_StopDuringARoll(t *testing.T) {
	t.Parallel()
	d := newInstance(t).run(slowStarters(t, 2, 700, ""))
	d.waitRunning(2)
	answered := make(chan error, 1)
	go func() { answered <- expect(&client{address: d.front}, "GET", "/slow?ms=1000", "", 200, "app-") }()
	d.awaitInFlight(1)
	if status, body := d.post("/api/v1/pools/app/restart", "{}"); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	d.eventually("a new worker starts", func() error {
		for _, w := range d.workers() {
			if w.Generation == 2 && w.State == "starting" {
				return nil
			}
		}
		return fmt.Errorf("workers %+v", d.workers())
	})
	d.signal(syscall.SIGTERM)
	if err := <-answered; err != nil {
		t.Errorf("the request that was under way: %v", err)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d", code)
	}
	d.noneLeft(time.Second)
}

func TestFault_ScaleDuringBoot(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.start("run", "-c", d.settings(slowStarters(t, 4, 2500, "")))
	d.eventually("four workers start", func() error {
		status, body, err := d.api("GET", "/api/v1/workers", "")
		if err == nil && strings.Count(body, `"starting"`) != 4 {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
	for _, n := range []int{1, 6, 2, 5, 3} {
		if code, stdout, stderr := d.cli("scale", "app", fmt.Sprint(n)); code != 0 {
			t.Errorf("drover scale app %d ended with %d\n%s%s", n, code, stdout, stderr)
		}
	}
	// A request waits for the first.
	if err := expect(&client{address: d.front}, "GET", "/", "", 200, "app-"); err != nil {
		t.Error(err)
	}
	d.waitRunning(3)
	pids := pidsOf(d.workers())
	d.eventually("no other worker is left", func() error {
		if n := len(d.processes()); n != 3+2 { // drover and its guardian
			return fmt.Errorf("%d processes for the workers %v", n, pids)
		}
		return nil
	})
}
