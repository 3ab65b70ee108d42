package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// gated are settings of workers that listen when the gate is open.
func gated(workers int) string {
	return strings.Replace(sampleSettings(workers, "", ""), `["${DROVER}", sample-app]`,
		`[sh, -c, "while [ ! -e '${DIR}/open' ]; do sleep 0.02; done; exec '${DROVER}' sample-app"]`, 1)
}

// gate lets workers listen that are starting, or will, or no more of them.
func (d *instance) gate(open bool) {
	d.t.Helper()
	path := filepath.Join(d.dir, "open")
	err := os.Remove(path)
	if open {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// waitStarting waits until so many workers of a generation are starting.
func (d *instance) waitStarting(n, generation int) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("%d workers start", n), func() error {
		starting := 0
		for _, w := range d.workers() {
			if w.State == "starting" && w.Generation == generation {
				starting++
			}
		}
		if starting != n {
			return fmt.Errorf("workers %+v", d.workers())
		}
		return nil
	})
}

func TestFault_TwoRollsAtOnce(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.gate(true)
	d.run(gated(2))
	d.waitRunning(2)
	d.gate(false)
	l := startLoad(d, 50, homeKind())
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
	d.gate(true)
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
	d := newInstance(t)
	d.gate(true)
	d.run(gated(2))
	d.waitRunning(2)
	d.gate(false)
	answered := make(chan error, 1)
	go func() {
		answered <- expect(&client{address: d.front}, "GET", "/slow?ms=1000", "", 200, "waited 1000 ms")
	}()
	d.awaitInFlight(1)
	if status, body := d.post("/api/v1/pools/app/restart", "{}"); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	d.waitStarting(1, 2)
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
	d.start("run", "-c", d.settings(gated(4)))
	d.eventually("drover listens", func() error {
		_, _, err := d.api("GET", "/healthz", "")
		return err
	})
	d.waitStarting(4, 1)
	for _, n := range []int{1, 6, 2, 5, 3} {
		if code, stdout, stderr := d.cli("scale", "app", fmt.Sprint(n)); code != 0 {
			t.Errorf("drover scale app %d ended with %d\n%s%s", n, code, stdout, stderr)
		}
	}
	answered := make(chan error, 1)
	go func() { answered <- expect(&client{address: d.front}, "GET", "/", "", 200, "hello from app-") }()
	d.eventually("a request waits for the first", func() error {
		if d.metric(`drover_queue_length{pool="app"}`) != 1 {
			return errors.New("it does not")
		}
		return nil
	})
	d.gate(true)
	if err := <-answered; err != nil {
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
