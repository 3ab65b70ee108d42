package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// The package of sdk/node in real workers: the application of testdata/apps/sdk-node runs the JavaScript
// that the test sends it.

func TestSDKNode_Node(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := sdkInstance(t, "", "node", app(t, "sdk-node", "server.js"))
	d.sdkSpeaks()
	d.sdkHearsBareMessages()
	d.sdkShutsDown()
}

func TestSDKNode_Bun(t *testing.T) {
	t.Parallel()
	needModules(t, "bun")
	d := sdkInstance(t, "", bun(t), app(t, "sdk-node", "server.js"))
	d.sdkSpeaks()
	d.sdkHearsBareMessages()
	d.sdkShutsDown()
}

// npm keeps the channel to itself, so the package connects to the socket path.
func TestSDKNode_NpmStart(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	d := sdkInstance(t, "", "npm", "start", "--silent", "--prefix", app(t, "sdk-node"))
	d.sdkSpeaks()
	d.sdkShutsDown()
}

func TestSDKNode_Encrypted(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := sdkInstance(t, `
ipc:
  encryption: on
  keyRotation: 1s
  allow: [ { from: app, to: jobs, types: [echo, "note.*"] } ]
  audit: { enabled: true, file: audit.log, content: true }
`, "node", app(t, "sdk-node", "server.js"))
	d.sdkSpeaks()
	// Keys change all the time, and nothing is lost.
	d.says("app-1", `
		const until = Date.now() + 3500;
		let wrong = 0, n = 0;
		while (Date.now() < until || n < 100) {
			const answers = await Promise.all(['app-2', 'app-3', 'jobs-1'].map((to) => drover.request(to, 'echo', 'the secret ' + n)));
			wrong += answers.filter(({ data }) => data !== 'the secret ' + n).length;
			n++;
		}
		return wrong;`, `0`)
	raw, err := os.ReadFile(filepath.Join(d.dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "echo") || strings.Contains(string(raw), "the secret") {
		t.Error("the audit log has the content of encrypted messages, or no messages at all")
	}
	d.sdkShutsDown()
}

func TestSDKNode_EncryptsForAPoolThatAReloadAdded(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := sdkInstance(t, `
ipc: { encryption: on, allow: [ { from: app, to: "*" } ] }
`, "node", app(t, "sdk-node", "server.js"))
	settings, err := os.ReadFile(filepath.Join(d.dir, "drover.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, jobs, _ := strings.Cut(string(settings), "\n  jobs:\n")
	jobs, _, _ = strings.Cut(jobs, "\nipc:")
	d.reload(strings.Replace(string(settings), "\n  jobs:\n", "\n  late:\n"+jobs+"\n  jobs:\n", 1), 0)
	d.waitRunning(5)
	d.says("app-1", `return (await drover.request({ pool: 'late' }, 'echo', 7)).data`, `7`)
}

// sdkInstance runs drover with two pools of workers with the SDK, which say themselves that they are ready.
func sdkInstance(t *testing.T, more string, argv ...string) *instance {
	t.Helper()
	d := newInstance(t).run(sdkSettings(t, more, argv...))
	d.waitRunning(4)
	return d
}

func sdkSettings(t *testing.T, more string, argv ...string) string {
	t.Helper()
	command, err := json.Marshal(argv)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(more, "ipc:") {
		more += "ipc: { allow: [ { from: app, to: jobs, types: [echo, \"note.*\"] } ] }\n"
	}
	return `
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
admin: { address: "${ADMIN}" }
pools:
  app:
    command: ` + string(command) + `
    transport: port
    workers: 3
    processManagement: { ready: notify }
  jobs:
    command: ` + string(command) + `
    transport: port
    workers: 1
    processManagement: { ready: notify }
    healthCheck: { type: ipc, interval: 100ms }
` + more
}

// says has the newest worker of a slot run JavaScript and checks what comes back, JSON.
func (d *instance) says(slot, code, want string) {
	d.t.Helper()
	got, err := d.js(slot, code)
	if err == nil && got != want {
		err = fmt.Errorf("%s, want %s", got, want)
	}
	if err != nil {
		d.t.Errorf("%s: %s\n%v", slot, code, err)
	}
}

// eventuallySays is says for what becomes true.
func (d *instance) eventuallySays(slot, code, want string) {
	d.t.Helper()
	d.eventually(slot+": "+code, func() error {
		got, err := d.js(slot, code)
		if err == nil && got != want {
			err = fmt.Errorf("%s, want %s", got, want)
		}
		return err
	})
}

func (d *instance) js(slot, code string) (string, error) {
	d.t.Helper()
	var at worker
	for _, w := range d.running() {
		if strings.HasPrefix(w.ID, slot+".") && w.Generation > at.Generation {
			at = w
		}
	}
	if at.ID == "" {
		return "", fmt.Errorf("no worker in slot %s runs", slot)
	}
	got, err := (&client{address: at.Address}).once("POST", "/", code)
	if err != nil {
		return "", err
	}
	return string(got.body), nil
}

// sdkSpeaks goes through messages, requests, topics, numbers and health.
func (d *instance) sdkSpeaks() {
	d.t.Helper()
	d.says("app-1", `return drover.worker`, `{"id":"app-1.1","pool":"app","slot":1,"generation":1}`)

	d.says("app-1", `return drover.broadcast('note.price', { sku: 42, name: 'zażółć' })`, `{"received":2,"sent":0,"failed":[]}`)
	for _, slot := range []string{"app-2", "app-3"} {
		d.says(slot, `return seen.splice(0)`, `[{"type":"note.price","data":{"sku":42,"name":"zażółć"},"from":"app-1.1"}]`)
	}
	d.says("app-1", `return seen`, `[]`)
	d.says("app-1", `return drover.broadcastToWorkers('note.all', 1, { pool: '*' })`, `{"received":3,"sent":0,"failed":[]}`)
	d.says("jobs-1", `return seen.splice(0)`, `[{"type":"note.all","data":1,"from":"app-1.1"}]`)
	d.says("app-2", `seen.length = 0`, `null`)
	d.says("app-3", `seen.length = 0`, `null`)

	d.says("app-1", `return drover.sendTo('app-2', 'note.one', [1, null])`, `{"worker":"app-2.1","acknowledged":true}`)
	d.says("app-2", `return seen.splice(0)`, `[{"type":"note.one","data":[1,null],"from":"app-1.1"}]`)
	d.says("app-1", `return drover.sendToRandomWorker('note.any', 1, { pool: 'jobs' })`, `{"worker":"jobs-1.1","acknowledged":true}`)
	d.says("app-1", `return drover.sendToRandom('note.any', 1, { pick: 'least-busy' }).then(({ acknowledged }) => acknowledged)`, `true`)
	d.fails("app-1", `return drover.sendTo('app-2', 'nobody')`, "no-handler")
	d.fails("app-1", `return drover.sendTo('app-9', 'note.one')`, "no-target")
	d.fails("app-1", `return drover.sendTo('jobs-1', 'other')`, "forbidden")
	d.fails("jobs-1", `return drover.sendTo('app-1', 'note.one')`, "forbidden")

	d.says("app-1", `return drover.request('app-2', 'echo', { deep: ['ä'] })`, `{"data":{"deep":["ä"]},"from":"app-1.1","by":"app-2.1"}`)
	d.says("app-1", `return drover.request({ pool: 'jobs' }, 'echo')`, `{"data":null,"from":"app-1.1","by":"jobs-1.1"}`)
	d.fails("app-1", `return drover.request('app-2', 'fail')`, "sold-out")
	d.fails("app-1", `return drover.request('app-2', 'nobody')`, "no-handler")
	d.says("app-2", `seen.length = 0`, `null`)
	d.fails("app-1", `return drover.request('app-2', 'hang', 1, { timeout: 50 })`, "timeout")
	d.fails("app-1", `return drover.request('app-2', 'hang', 1, { signal: AbortSignal.timeout(50) })`, "cancelled")
	d.eventuallySays("app-2", `return seen`, `["aborted","aborted"]`)

	d.says("app-2", `await drover.subscribe('orders.*', (data, { topic, from }) => seen.push([data, topic, from]))`, `null`)
	d.says("app-1", `return drover.publish('orders.new', { order: 7 })`, `{"received":1,"sent":0,"failed":[]}`)
	d.says("app-2", `return seen.slice(2)`, `[[{"order":7},"orders.new","app-1.1"]]`)
	d.says("app-1", `return drover.publish('other.topic')`, `{"received":0,"sent":0,"failed":[]}`)

	d.fails("app-1", `return drover.cache.get('k')`, "cache-off")
	d.sdkSurvivesDeath()
	d.sdkShowsNumbers()
	d.sdkFeelsSick()
}

// fails has a worker run JavaScript that must end with an error of the code.
func (d *instance) fails(slot, code, want string) {
	d.t.Helper()
	got, err := d.js(slot, code)
	if err != nil || !strings.HasPrefix(got, `{"code":"`+want+`","message":"`) {
		d.t.Errorf("%s: %s\n%s %v, want the code %s", slot, code, got, err, want)
	}
}

// A worker that is killed with a request in hand is answered for at once, and its successor is another.
func (d *instance) sdkSurvivesDeath() {
	d.t.Helper()
	d.says("app-1", `await drover.events('worker-*', ({ kind, subject }) => seen.push(kind + ' ' + subject))`, `null`)
	d.fails("app-1", `return drover.request('app-3', 'die', 1, { timeout: 60000 })`, "worker-gone")
	d.eventuallySays("app-3", `return drover.worker.id`, `"app-3.2"`)
	d.eventuallySays("app-1", `return ['worker-exited app-3.1', 'worker-ready app-3.2'].every((one) => seen.includes(one))`, `true`)
	d.says("app-1", `return drover.request('app-3', 'echo', 1)`, `{"data":1,"from":"app-1.1","by":"app-3.2"}`)
}

func (d *instance) sdkShowsNumbers() {
	d.t.Helper()
	d.says("app-1", `
		drover.metrics.counter('orders_total', 'Orders taken').inc(3, { kind: 'new' });
		drover.metrics.gauge('open_orders').set(2);
		drover.metrics.histogram('order_seconds', '', { buckets: [0.1, 1] }).observe(0.5);`, `null`)
	d.eventually("the application's numbers show", func() error {
		_, body, err := d.api("GET", "/metrics", "")
		if err != nil {
			return err
		}
		for _, line := range []string{
			"# HELP orders_total Orders taken", `orders_total{kind="new",worker="app-1"} 3`, `open_orders{worker="app-1"} 2`,
			`order_seconds_bucket{worker="app-1",le="0.1"} 0`, `order_seconds_bucket{worker="app-1",le="1"} 1`, `order_seconds_sum{worker="app-1"} 0.5`,
		} {
			if !strings.Contains(body, line+"\n") {
				return fmt.Errorf("/metrics has no line %s", line)
			}
		}
		return nil
	})
}

// A check of the application's own that fails costs the worker its place.
func (d *instance) sdkFeelsSick() {
	d.t.Helper()
	d.says("jobs-1", `state.sick = true`, `null`)
	d.eventuallySays("jobs-1", `return drover.worker.id`, `"jobs-1.2"`)
}

// What knows nothing of the SDK can be heard by those that do.
func (d *instance) sdkHearsBareMessages() {
	d.t.Helper()
	d.says("app-2", `await drover.events('message', ({ subject, data }) => seen.push({ subject, data }))`, `null`)
	d.says("app-1", `process.send({ hello: 'there' })`, `null`)
	d.eventuallySays("app-2", `return seen.slice(-1)`, `[{"subject":"app-1.1","data":{"hello":"there"}}]`)
}

func (d *instance) sdkShutsDown() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		d.t.Errorf("drover ended with %d", code)
	}
	for _, line := range []string{"app-1.1 closes, grace 30", "app-3.2 closes, grace 30", "jobs-1.2 closes, grace 30"} {
		if n := strings.Count(d.output(), line); n != 1 {
			d.t.Errorf("%q is in the output %d times", line, n)
		}
	}
}
