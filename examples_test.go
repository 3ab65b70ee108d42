package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// The order service of examples/, once in each language: the same answers, the same promises.

func TestExamples_Node(t *testing.T)   { t.Parallel(); takesOrders(exampleNode(t)) }
func TestExamples_Bun(t *testing.T)    { t.Parallel(); takesOrders(exampleBun(t)) }
func TestExamples_Python(t *testing.T) { t.Parallel(); takesOrders(examplePython(t)) }
func TestExamples_Go(t *testing.T)     { t.Parallel(); takesOrders(exampleGo(t)) }

func TestExamples_NodeLosesNothingWhenKilled(t *testing.T) {
	t.Parallel()
	losesNothing(exampleNode(t))
}
func TestExamples_BunLosesNothingWhenKilled(t *testing.T) { t.Parallel(); losesNothing(exampleBun(t)) }
func TestExamples_PythonLosesNothingWhenKilled(t *testing.T) {
	t.Parallel()
	losesNothing(examplePython(t))
}
func TestExamples_GoLosesNothingWhenKilled(t *testing.T) { t.Parallel(); losesNothing(exampleGo(t)) }

func TestExamples_EncryptedGoLosesNothingWhenKilled(t *testing.T) {
	t.Parallel()
	losesNothing(exampleGo(t), "ipc:\n", "ipc:\n  encryption: on\n  keyRotation: 1s\n")
}

func exampleNode(t *testing.T) *instance {
	workertest.Need(t, "node")
	return example(t, "node", "node_modules")
}

func exampleBun(t *testing.T) *instance {
	needModules(t, "bun")
	d := example(t, "bun", "node_modules")
	if err := os.Symlink(bun(t), filepath.Join(d.dir, "bun")); err != nil {
		t.Fatal(err)
	}
	d.setenv("PATH", d.dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return d
}

func examplePython(t *testing.T) *instance {
	workertest.Need(t, "python3")
	return example(t, "python")
}

// exampleGo builds the programs where its settings expect them, but in a folder of the test's own.
func exampleGo(t *testing.T) *instance {
	d := example(t, "go")
	d.cwd = d.dir
	for _, name := range []string{"shop", "warehouse"} {
		path := built(t, binaries.examples[name])
		if err := os.MkdirAll(filepath.Join(d.dir, "bin"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(path, filepath.Join(d.dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// example prepares one of the examples as it stands, in its own folder and with its own settings.
func example(t *testing.T, name string, needs ...string) *instance {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("examples", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range needs {
		if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
			workertest.Lack(t, fmt.Sprintf("the packages of examples/%s are not installed; run: npm ci --prefix examples/%s", name, name))
		}
	}
	d := newInstance(t)
	d.cwd = folder
	settings, err := os.ReadFile(filepath.Join(folder, "drover.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.settings(string(settings))
	d.setenv("JOURNAL", d.journals())
	if err := os.Mkdir(d.journals(), 0o700); err != nil {
		t.Fatal(err)
	}
	return d
}

// journals is the folder where the workers of an example write what they have done.
func (d *instance) journals() string { return filepath.Join(d.dir, "journals") }

// starts runs the example's settings, with changes.
func (d *instance) starts(changes ...string) {
	d.t.Helper()
	path := filepath.Join(d.dir, "drover.yaml")
	settings, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.settings(strings.NewReplacer(changes...).Replace(string(settings)))
	d.start("run", "-c", path).waitReady()
	d.waitRunning(4)
}

const asJSON = "Content-Type: application/json"

func takesOrders(d *instance) {
	t := d.t
	d.starts()
	answer := func(method, path, body string, status int, want string) {
		t.Helper()
		got, err := (&client{address: d.front}).once(method, path, body, asJSON)
		if err != nil || got.status != status || string(got.body) != want || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s %s %s: %+v, %v, want %d %s", method, path, body, got, err, status, want)
		}
	}
	// Of thirty who ask at the same time one asks the warehouse.
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() { answer("GET", "/products/pen", "", 200, `{"sku":"pen","price":120,"stock":100000}`) })
	}
	all.Wait()
	d.eventually("the warehouse has counted", func() error { return d.hasMetric(`warehouse_lookups_total{worker="warehouse-1"} 1`) })
	answer("GET", "/products/chair", "", 404, `{"error":"there is no product chair"}`)
	answer("GET", "/orders", "", 200, `{"orders":[]}`)
	answer("POST", "/orders", `{"id":"a1","sku":"pen","quantity":2}`, 201,
		`{"number":1,"id":"a1","sku":"pen","quantity":2,"total":240,"left":99998,"told":2,"missed":[]}`)
	answer("GET", "/products/pen", "", 200, `{"sku":"pen","price":120,"stock":99998}`)
	answer("POST", "/orders", `{"id":"a2","sku":"book","quantity":1}`, 201,
		`{"number":2,"id":"a2","sku":"book","quantity":1,"total":1500,"left":1,"told":2,"missed":[]}`)
	answer("POST", "/orders", `{"id":"a3","sku":"book","quantity":2}`, 409, `{"error":"only 1 of book are left"}`)
	answer("POST", "/orders", `{"id":"a4","sku":"chair","quantity":2}`, 404, `{"error":"there is no product chair"}`)
	for _, order := range []string{`{"id":"a5","sku":"pen"}`, `{"id":"a5","sku":"pen","quantity":0}`, `{"sku":"pen","quantity":1}`, `{}`} {
		answer("POST", "/orders", order, 400, `{"error":"an order has an id, a sku and a quantity from 1 on"}`)
	}
	// Whichever shop answers knows of both.
	for range 9 {
		answer("GET", "/orders", "", 200, `{"orders":[{"id":"a1","sku":"pen","quantity":2},{"id":"a2","sku":"book","quantity":1}]}`)
	}
	d.eventually("the shops have counted", func() error {
		for _, want := range []string{`shop_orders_total{sku="pen",worker="shop-`, `shop_orders_total{sku="book",worker="shop-`, "shop_order_seconds_count{"} {
			if err := d.hasMetric(want); err != nil {
				return err
			}
		}
		return nil
	})
	d.eventually("drover shows the checks", func() error {
		_, out, _ := d.cli("workers")
		if strings.Count(out, "orders ok") != 3 || strings.Count(out, "stock ok") != 1 {
			return fmt.Errorf("drover workers says\n%s", out)
		}
		return nil
	})
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d", code)
	}
	if strings.Contains(d.output(), "was killed") {
		t.Error("a worker did not end by itself")
	}
}

func (d *instance) hasMetric(want string) error {
	_, text, err := d.api("GET", "/metrics", "")
	if err == nil && !strings.Contains(text, want) {
		err = fmt.Errorf("no %s in\n%s", want, text)
	}
	return err
}

// placement is what became of one order as its client sees it.
type placement struct {
	id     string
	status int // 0: none, or an answer that was cut short
	took   time.Duration
	Told   int
	Missed []struct{ Worker, Code string }
	Code   string
}

// losesNothing places orders while workers of both pools are killed again and again. Every order has an
// answer, and what the workers' journals say agrees with it.
func losesNothing(d *instance, changes ...string) {
	t := d.t
	// A shop that answers 503 since the warehouse is gone is well itself; drover would leave it alone for a while.
	changes = append(changes, "workers: 3\n", "workers: 3\n    circuitBreaker: { enabled: false }\n    outlier: { enabled: false }\n")
	d.starts(append(changes, "ready: notify", "ready: notify, restartDelay: 10ms, maxRestartDelay: 50ms, maxRestarts: 100000")...)
	span := 5 * time.Second
	if long() {
		span = time.Minute
	}
	var mu sync.Mutex
	var all []placement
	var kills, placed atomic.Int64
	begun := time.Now()
	goesOn := func() bool { // until there was enough of everything
		took := time.Since(begun)
		return took < span || took < span+patience && (kills.Load() < 10 || placed.Load() < 50)
	}
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for n := 0; goesOn(); n++ {
				p := d.place(fmt.Sprintf("c%d-%d", c, n))
				mu.Lock()
				all = append(all, p)
				mu.Unlock()
				if p.status == http.StatusCreated {
					placed.Add(1)
				} else {
					time.Sleep(5 * time.Millisecond) // such answers come at once; a shop that is gone is back soon
				}
			}
		})
	}
	for goesOn() {
		before := placed.Load()
		if d.killOne(kills.Load()%4 == 3) {
			kills.Add(1)
		}
		time.Sleep(150 * time.Millisecond)
		for placed.Load() == before && goesOn() { // a machine too slow for this pace has one of its own
			time.Sleep(5 * time.Millisecond)
		}
	}
	clients.Wait()
	d.eventually("all is well again", func() error {
		p := d.place(fmt.Sprintf("after-%d", len(all)))
		all = append(all, p)
		if p.status != http.StatusCreated || p.Told != 2 {
			return fmt.Errorf("an order ends with %+v", p)
		}
		return nil
	})
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("drover ended with %d", code)
	}
	longest := slices.MaxFunc(all, func(a, b placement) int { return cmp.Compare(a.took, b.took) })
	t.Logf("%d workers were killed; of %d orders %d were placed; the longest took %v", kills.Load(), len(all), placed.Load(), longest.took)
	if kills.Load() < 10 || placed.Load() < 50 {
		t.Error("too little has happened to show anything")
	}
	d.audit(all)
}

// killOne ends a shop, or the warehouse, if one runs.
func (d *instance) killOne(warehouse bool) bool {
	list := slices.DeleteFunc(d.running(), func(w worker) bool { return strings.HasPrefix(w.ID, "warehouse-") != warehouse })
	return len(list) > 0 && syscall.Kill(list[rand.IntN(len(list))].PID, syscall.SIGKILL) == nil
}

func (d *instance) place(id string) placement {
	p := placement{id: id}
	begun := time.Now()
	got, err := (&client{address: d.front}).once("POST", "/orders", fmt.Sprintf(`{"id":%q,"sku":"pen","quantity":1}`, id), asJSON, "Accept: application/json")
	if p.took = time.Since(begun); p.took > 20*time.Second {
		d.t.Errorf("order %s was without an answer for %v", id, p.took)
	}
	if err != nil {
		if got == nil { // else the worker was killed in the middle of its answer, and the client has seen that
			d.t.Errorf("order %s has no answer: %v", id, err) // drover answers even where a worker does not
		}
		return p
	}
	p.status = got.status
	if got.header.Get("Proxy-Status") != "" {
		return p // of drover
	}
	if err := json.Unmarshal(got.body, &p); err != nil {
		d.t.Errorf("order %s: %d %s", id, got.status, got.body)
	}
	return p
}

// unknown are the codes after which a message may or may not have been handled.
var unknown = map[string]bool{"worker-gone": true, "timeout": true, "cancelled": true, "closed": true}

// audit compares what the clients were told with what the workers have written.
func (d *instance) audit(all []placement) {
	t := d.t
	took, heard := make(map[string]int), make(map[string]map[string]int)
	files, err := os.ReadDir(d.journals())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(d.journals(), file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			what, id, _ := strings.Cut(strings.TrimSpace(line), " ")
			if what == "took" {
				took[id]++
				continue
			}
			if heard[id] == nil {
				heard[id] = make(map[string]int)
			}
			if heard[id][file.Name()]++; heard[id][file.Name()] > 1 {
				t.Errorf("%s heard of %s %d times", file.Name(), id, heard[id][file.Name()])
			}
		}
	}
	for _, p := range all {
		open := 0 // workers that may have heard of it
		for _, m := range p.Missed {
			if unknown[m.Code] {
				open++
			} else if heard[p.id][m.Worker] > 0 {
				t.Errorf("%s heard of %s, and the sender was told %s", m.Worker, p.id, m.Code)
			}
		}
		switch n := len(heard[p.id]); {
		case took[p.id] > 1:
			t.Errorf("%s was taken %d times", p.id, took[p.id])
		case p.status == http.StatusCreated && took[p.id] != 1:
			t.Errorf("%s is placed and was taken %d times", p.id, took[p.id])
		case p.status == http.StatusCreated && (n < p.Told || n > p.Told+open):
			t.Errorf("%d workers heard of %s, its sender was told of %d, and %+v", n, p.id, p.Told, p.Missed)
		case p.Code != "" && !unknown[p.Code] && took[p.id] > 0:
			t.Errorf("%s was taken, and its sender was told %s", p.id, p.Code)
		}
		delete(took, p.id)
		delete(heard, p.id)
	}
	if len(took)+len(heard) > 0 {
		t.Errorf("nobody has placed %v %v", took, heard)
	}
}
