package main

import (
	"encoding/json"
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

// The SDK for Go under the real binary; testdata/apps/go-worker does what requests say.

// goInstance runs workers of the SDK in two pools: app, which the front serves, and jobs.
func goInstance(t *testing.T, ipc string, changes ...string) *instance {
	t.Helper()
	d := newInstance(t)
	d.setenv("WORKER", built(t, binaries.goWorker))
	d.run(strings.NewReplacer(changes...).Replace(`
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
pools:
  app: &pool
    command: ["${WORKER}"]
    transport: port
    workers: 3
    processManagement: { ready: notify, restartDelay: 10ms }
    healthCheck: { type: ipc, interval: 200ms, maxFailures: 1000 }
    env: { FAREWELL: "${DIR}/farewell" }
  jobs: { <<: *pool, workers: 1 }
cache: { enabled: true }
ipc: ` + ipc + "\n"))
	d.waitRunning(4)
	return d
}

// visit sends a request to one worker, past the front, and returns its answer.
func (d *instance) visit(id, method, path, body string) string {
	d.t.Helper()
	for _, w := range d.workers() {
		if w.ID != id {
			continue
		}
		got, err := (&client{address: w.Address}).once(method, path, body)
		if err != nil || got.status != http.StatusOK {
			d.t.Fatalf("%s %s of %s: %+v, %v", method, path, id, got, err)
		}
		return strings.TrimSpace(string(got.body))
	}
	d.t.Fatalf("there is no worker %s", id)
	return ""
}

// expect fails unless a worker answers so.
func (d *instance) expect(id, method, path, body, want string) {
	d.t.Helper()
	if got := d.visit(id, method, path, body); got != want {
		d.t.Errorf("%s %s of %s: %s, want %s", method, path, id, got, want)
	}
}

func TestSDKGo_Messages(t *testing.T) {
	t.Parallel()
	for name, ipc := range map[string]string{
		"plain":     `{ allow: [ { from: app, to: jobs } ] }`,
		"encrypted": `{ encryption: on, keyRotation: 1s, allow: [ { from: app, to: jobs } ] }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			messages(goInstance(t, ipc))
		})
	}
}

// A program between drover and the worker that does not pass the descriptor on: it takes the socket and its key.
func TestSDKGo_BehindAWrapper(t *testing.T) {
	t.Parallel()
	messages(goInstance(t, `{ allow: [ { from: app, to: jobs } ] }`, `["${WORKER}"]`, `[sh, -c, 'eval "exec $${DROVER_IPC_FD}>&-"; ${WORKER}; exit']`))
}

func messages(d *instance) {
	d.expect("app-1.1", "GET", "/", "", `{"worker":"app-1.1","pool":"app","slot":1,"generation":1}`)
	d.expect("app-1.1", "POST", "/send?to=app-2&type=note", `{"n":1}`, `{"worker":"app-2.1","acknowledged":true}`)
	d.expect("app-1.1", "POST", "/send?to=app-9&type=note", `1`, `{"error":"send note: no-target: there is no worker \"app-9\" that takes messages"}`)
	d.expect("app-1.1", "POST", "/send?to=app-2.1&type=unknown", `1`, `{"error":"send unknown: no-handler: nobody handles unknown"}`)
	d.expect("app-1.1", "POST", "/send?to=app-2.1&type=refuse", `1`, `{"error":"send refuse: handler-error: not today"}`)
	d.expect("app-1.1", "POST", "/broadcast?type=note", `"all"`, `{"received":2,"sent":0,"failed":[]}`)
	d.expect("app-1.1", "POST", "/send?pool=jobs&type=note", `"job"`, `{"worker":"jobs-1.1","acknowledged":true}`)
	d.expect("app-1.1", "POST", "/broadcast?pool=*&type=note.every", `[]`, `{"received":3,"sent":0,"failed":[]}`)
	if got := d.visit("jobs-1.1", "POST", "/send?to=app-1&type=note", `1`); !strings.Contains(got, "forbidden") {
		d.t.Errorf("jobs may send to app: %s", got)
	}
	d.expect("app-2.1", "GET", "/heard", "", `[{"from":"app-1.1","type":"note","data":{"n":1}},{"from":"app-1.1","type":"note","data":"all"},{"from":"app-1.1","type":"note.every","data":[]}]`)
	d.expect("app-3.1", "GET", "/heard", "", `[{"from":"app-1.1","type":"note","data":"all"},{"from":"app-1.1","type":"note.every","data":[]}]`)
	d.expect("jobs-1.1", "GET", "/heard", "", `[{"from":"app-1.1","type":"note","data":"job"},{"from":"app-1.1","type":"note.every","data":[]}]`)
	d.expect("app-1.1", "GET", "/heard", "", `[]`)

	d.expect("app-1.1", "POST", "/request?to=app-2&type=double", `21`, `{"data":42,"from":"app-2.1"}`)
	d.expect("app-1.1", "POST", "/request?pool=jobs&pick=least-busy&type=double", `4`, `{"data":8,"from":"jobs-1.1"}`)
	d.expect("app-1.1", "POST", "/request?to=app-2&type=refuse", `21`, `{"error":"request refuse: handler-error: not today"}`)
	d.expect("app-1.1", "POST", "/request?to=app-2&type=unknown", `21`, `{"error":"request unknown: no-handler: nobody handles unknown"}`)
	d.expect("app-3.1", "POST", "/subscribe?topic=orders.*", ``, `"subscribed"`)
	d.expect("jobs-1.1", "POST", "/subscribe?topic=orders.new", ``, `"subscribed"`)
	d.expect("app-1.1", "POST", "/publish?topic=orders.new", `7`, `{"received":2,"sent":0,"failed":[]}`)
	d.expect("app-1.1", "POST", "/publish?topic=orders.gone", `8`, `{"received":1,"sent":0,"failed":[]}`)
	if got := d.visit("jobs-1.1", "GET", "/heard", ""); !strings.HasSuffix(got, `{"from":"app-1.1","type":"orders.new","data":7}]`) {
		d.t.Errorf("jobs heard %s", got)
	}

	// From outside, in the name of drover.
	status, body := d.post("/api/v1/ipc/request", `{"worker":"app-2","type":"double","data":5}`)
	if status != http.StatusOK || !strings.Contains(body, `"data":10`) {
		d.t.Errorf("a request of drover: %d %s", status, body)
	}
	code, out, stderr := d.cli("ipc", "send", "--worker", "jobs-1", "note", `"from outside"`)
	if code != 0 {
		d.t.Errorf("drover ipc send: %d %s%s", code, out, stderr)
	}
	if got := d.visit("jobs-1.1", "GET", "/heard", ""); !strings.HasSuffix(got, `{"from":"drover","type":"note","data":"from outside"}]`) {
		d.t.Errorf("jobs heard %s", got)
	}
}

func TestSDKGo_WhoAsksIsToldWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	d := goInstance(t, `{ requestTimeout: 30s }`)
	begun := time.Now()
	if got := d.visit("app-1.1", "POST", "/request?to=app-2&type=hang&timeout=300", ``); !strings.Contains(got, "deadline exceeded") && !strings.Contains(got, "timeout") {
		t.Errorf("after the deadline: %s", got)
	}
	if took := time.Since(begun); took < 300*time.Millisecond || took > 10*time.Second {
		t.Errorf("the deadline took %v", took)
	}
	d.eventually("the handler has heard of it", func() error {
		if got := d.visit("app-2.1", "GET", "/heard", ""); got != `[{"from":"app-1.1","type":"cancelled"}]` {
			return fmt.Errorf("it heard %s", got)
		}
		return nil
	})
	// A worker that ends fails what it was asked, at once.
	d.expect("app-1.1", "POST", "/events?kind=worker-*", ``, `"subscribed"`)
	begun = time.Now()
	if got := d.visit("app-1.1", "POST", "/request?to=app-2&type=die", ``); !strings.Contains(got, "worker-gone") {
		t.Errorf("of a worker that ends: %s", got)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("the end took %v to be told", took)
	}
	d.eventually("the next generation answers", func() error {
		if got := d.visit("app-1.1", "POST", "/request?to=app-2&type=double", `3`); got != `{"data":6,"from":"app-2.2"}` {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	d.eventually("the event of its readiness has come", func() error {
		if got := d.visit("app-1.1", "GET", "/heard", ""); !strings.Contains(got, `{"from":"app-2.2","type":"worker-ready"}`) {
			return fmt.Errorf("it heard %s", got)
		}
		return nil
	})
	// One that is killed while it is asked.
	answer := make(chan string, 1)
	go func() { answer <- d.visit("app-1.1", "POST", "/request?to=app-3&type=hang", ``) }()
	for _, w := range d.workers() {
		if w.ID == "app-3.1" {
			time.Sleep(50 * time.Millisecond) // mostly the request is there by then; either way it ends
			if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	}
	select {
	case got := <-answer:
		if !strings.Contains(got, "worker-gone") && !strings.Contains(got, "no-target") {
			t.Errorf("of a worker that is killed: %s", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody says that the worker is gone")
	}
}

func TestSDKGo_CacheOfAllWorkers(t *testing.T) {
	t.Parallel()
	d := goInstance(t, "{}")
	d.expect("app-1.1", "POST", "/cache?key=a/1&tag=odd", `{"name":"Ada"}`, `"stored"`)
	d.expect("app-1.1", "POST", "/cache?key=a/2&ttl=200", `2`, `"stored"`)
	d.expect("jobs-1.1", "POST", "/cache?key=b/3&tag=odd", `3`, `"stored"`)
	d.expect("app-2.1", "GET", "/cache?key=a/1", ``, `{"name":"Ada"}`)
	d.expect("app-2.1", "GET", "/cache?key=none", ``, `null`)
	d.expect("app-2.1", "GET", "/cache/many?keys=b/3,none", ``, `{"b/3":3}`)
	d.expect("app-2.1", "POST", "/cache/add?key=b/3", `4`, `false`)
	d.expect("app-2.1", "POST", "/cache/add?key=b/4", `4`, `true`)
	d.expect("app-3.1", "POST", "/cache/increment?key=b/4&by=-5", ``, `-1`)
	d.eventually("what has a time to live is gone", func() error {
		if got := d.visit("app-2.1", "GET", "/cache?key=a/2", ``); got != "null" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	d.expect("app-2.1", "POST", "/cache/near", ``, `"near"`)
	for range 3 {
		d.expect("app-2.1", "GET", "/cache?key=a/1", ``, `{"name":"Ada"}`)
	}
	d.expect("app-3.1", "POST", "/cache/tag?tag=odd", ``, `2`)
	d.eventually("the copy is dropped", func() error {
		if got := d.visit("app-2.1", "GET", "/cache?key=a/1", ``); got != "null" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	d.expect("app-3.1", "POST", "/cache/prefix?prefix=b/", ``, `1`)
	d.expect("app-3.1", "DELETE", "/cache?key=b/4", ``, `false`)

	// One computes, everybody gets it.
	var all sync.WaitGroup
	answers := make([]string, 24)
	for i := range answers {
		all.Go(func() {
			answers[i] = d.visit([]string{"app-1.1", "app-2.1", "app-3.1", "jobs-1.1"}[i%4], "GET", "/cache/compute?key=slow&ms=300&ttl=60000", "")
		})
	}
	all.Wait()
	for _, got := range answers {
		if got != answers[0] || !strings.HasPrefix(got, `"computed by `) {
			t.Errorf("the answers are %q", answers)
			break
		}
	}
	var stats struct {
		Namespaces []struct {
			Name        string
			Loads       int
			SharedLoads int
		}
	}
	if err := json.Unmarshal([]byte(d.visit("app-1.1", "GET", "/cache/stats", "")), &stats); err != nil || len(stats.Namespaces) != 1 ||
		stats.Namespaces[0].Name != "things" || stats.Namespaces[0].Loads != 1 {
		t.Errorf("stats are %+v, %v", stats, err)
	}
	d.eventually("drover has the numbers of the workers", func() error {
		_, text, err := d.api("GET", "/metrics", "")
		if err != nil {
			return err
		}
		total := 0
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "computed_total{") && strings.HasSuffix(line, "} 1\n") && strings.Contains(line, `kind="slow"`) {
				total++
			}
		}
		if total != 1 || !strings.Contains(text, `stored{pool="app",worker="app-1"} 2`) && !strings.Contains(text, `stored{worker="app-1"} 2`) ||
			!strings.Contains(text, "compute_seconds_bucket{") {
			return fmt.Errorf("they are not in\n%s", text)
		}
		return nil
	})
}

// A worker that computes is killed: another one computes.
func TestSDKGo_ALeaseOfAWorkerThatEndsGoesOn(t *testing.T) {
	t.Parallel()
	d := goInstance(t, "{}")
	victim := ""
	for _, w := range d.workers() {
		if w.ID != "app-1.1" {
			continue
		}
		victim = w.Address
		go func() { _, _ = (&client{address: victim}).once("GET", "/cache/compute?key=k&ms=60000", "") }()
		d.eventually("it computes", func() error {
			if got := d.visit("app-2.1", "GET", "/cache/stats", ""); !strings.Contains(got, `"misses":1`) {
				return fmt.Errorf("stats are %s", got)
			}
			return nil
		})
		other := make(chan string, 1)
		go func() { other <- d.visit("app-2.1", "GET", "/cache/compute?key=k&ms=1", "") }()
		d.eventually("another one waits", func() error {
			if got := d.visit("app-3.1", "GET", "/cache/stats", ""); !strings.Contains(got, `"misses":2`) {
				return fmt.Errorf("stats are %s", got)
			}
			return nil
		})
		if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-other:
			if got != `"computed by app-2.1"` {
				t.Errorf("got %s", got)
			}
		case <-time.After(20 * time.Second):
			t.Error("the lease stays with a worker that is gone")
		}
	}
}

func TestSDKGo_HealthAndShutdown(t *testing.T) {
	t.Parallel()
	d := goInstance(t, "{}")
	check := func(id, want string) {
		t.Helper()
		d.eventually("drover shows the check", func() error {
			var list struct {
				Workers []struct {
					ID     string
					Checks []map[string]any
				}
			}
			d.get("/api/v1/workers", &list)
			for _, w := range list.Workers {
				raw, err := json.Marshal(w.Checks)
				if err != nil {
					return err
				}
				if w.ID == id && strings.Contains(string(raw), want) {
					return nil
				}
			}
			return fmt.Errorf("workers are %+v", list)
		})
	}
	check("app-2.1", `"details":{"mood":"fine"}`)
	d.expect("app-2.1", "POST", "/sick", "", `"sick"`)
	check("app-2.1", `"message":"sick"`)

	if status, body := d.post("/api/v1/workers/jobs-1/stop", ""); status/100 != 2 {
		t.Fatalf("stop: %d %s", status, body)
	}
	d.eventually("the worker says farewell", func() error {
		raw, err := os.ReadFile(filepath.Join(d.dir, "farewell"))
		if err != nil {
			return err
		}
		if string(raw) != "jobs-1.1 bounded=true left>1s=true\n" {
			return fmt.Errorf("it says %q", raw)
		}
		return nil
	})
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d", code)
	}
}
