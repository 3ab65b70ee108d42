package cli

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// drover is a running one as far as the admin API shows.
type drover struct {
	mu      sync.Mutex
	calls   []string
	ready   bool
	polls   int // of an operation
	outcome admin.Operation
	refuse  error
	reload  admin.ReloadResult
	checks  []admin.Check          // of app-1.1
	leak    *admin.Leak            // of app-1.1
	limits  map[string]admin.Limit // of app-1.1
	result  admin.Broadcasted      // of a broadcast
	warmed  admin.Warmed
}

func (d *drover) called(words ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, strings.Join(words, " "))
	return d.refuse
}

func (d *drover) Status() admin.Status {
	return admin.Status{
		Version: "1.2.3", PID: 4711, UptimeSeconds: 3725, Health: admin.Degraded, Ready: true,
		Reasons:   []string{"app: 1 of 2 workers is ready"},
		Notices:   []string{"no writable cgroup: process groups are used instead"},
		Listeners: []admin.Listener{{Name: "web", Address: ":8080", Protocol: "http", Pool: "app"}, {Name: "db", Address: ":5432", Protocol: "tcp"}},
		Pools:     []admin.PoolSummary{d.Pools()[0].PoolSummary, d.Pools()[1].PoolSummary}, Checks: d.counts(),
	}
}

// counts are the checks of the workers.
func (d *drover) counts() (c admin.CheckCounts) {
	for _, w := range d.Workers() {
		c.Add(w.Checks)
	}
	return c
}

func (d *drover) Pools() []admin.Pool {
	return []admin.Pool{
		{PoolSummary: admin.PoolSummary{Name: "app", Health: admin.Degraded, Strategy: "least-connections", Spawns: true, Wanted: 2, Workers: 2, Ready: 1, Failed: 1,
			UpstreamCount: 2, Available: 1, InFlight: 3, QueueLength: 4, Rolling: "roll-1",
			AutoScaling: &admin.Scaling{Min: 1, Max: 8, Desired: 3, Manual: true, Blocked: "manual"}}, Upstreams: []admin.Upstream{
			{ID: "app-1.1", Pool: "app", Address: "127.0.0.1:20001", Worker: true, Health: "healthy", State: "healthy", Weight: 1, InFlight: 3, Requests: 941, ErrorRate: 0.025, LatencyMS: 1.25, Breaker: "closed"},
			{ID: "app-2.7", Pool: "app", Address: "127.0.0.1:20003", Worker: true, Health: "unhealthy", State: "unhealthy", Weight: 1, Drained: true, Breaker: "open"},
		}},
		{PoolSummary: admin.PoolSummary{Name: "db", Health: admin.Healthy, Strategy: "round-robin", UpstreamCount: 1, Available: 1}, Upstreams: []admin.Upstream{
			{ID: "unix:/run/db.sock", Pool: "db", Address: "unix:/run/db.sock", Health: "healthy", State: "draining", Weight: 3},
		}},
	}
}

func (d *drover) Workers() []admin.Worker {
	limits := map[string]admin.Limit{}
	maps.Copy(limits, d.limits)
	return []admin.Worker{
		{ID: "app-1.1", Pool: "app", Slot: 1, Generation: 1, PID: 100, State: "running", Health: "healthy", Address: "127.0.0.1:20001", UptimeSeconds: 3700,
			CPUPercent: 3.14, MemoryBytes: 52428800, InFlight: 3, Requests: 941, Breaker: "closed", Limits: limits, Checks: d.checks, Leak: d.leak},
		{ID: "app-2.7", Pool: "app", Slot: 2, Generation: 7, State: "backoff", Restarts: 6, LastReason: "crash", Drained: true, Limits: map[string]admin.Limit{}},
	}
}

func (d *drover) Footprint(string) *admin.Footprint { return nil }

func (d *drover) Operation(id string) (admin.Operation, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.polls++
	o := d.outcome
	if d.polls == 1 {
		o.State = admin.Running
	}
	o.ID = id
	return o, true
}

func (d *drover) Config() any { return map[string]string{} }

func (d *drover) Ready() (bool, []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ready {
		return true, nil
	}
	return false, []string{"app: no worker is ready", "db: no upstream is healthy"}
}

func (d *drover) Reload() (admin.ReloadResult, error) { return d.reload, d.called("reload") }

func (d *drover) Upgrade(context.Context) (admin.Upgraded, error) {
	return admin.Upgraded{PID: 5122, Version: "1.3.0"}, d.called("upgrade")
}

func (d *drover) Stop(now bool) {
	if now {
		_ = d.called("stop now")
		return
	}
	_ = d.called("stop")
}

func (d *drover) Scale(pool string, n int, auto bool) error {
	if auto {
		return d.called("scale", pool, "auto")
	}
	return d.called("scale", pool, string(rune('0'+n)))
}

func (d *drover) Restart(pool string) (string, error) { return "roll-2", d.called("restart", pool) }
func (d *drover) Worker(id, verb string) error        { return d.called("worker", verb, id) }

func (d *drover) Upstream(id, verb string, n int) error {
	if verb == "weight" {
		return d.called("upstream", verb, id, string(rune('0'+n)))
	}
	return d.called("upstream", verb, id)
}

func (d *drover) Broadcast(_ context.Context, pool, kind string, data []byte) (admin.Broadcasted, error) {
	return d.result, d.called("broadcast", pool, kind, string(data))
}

func (d *drover) Send(_ context.Context, to admin.Target, kind string, data []byte) (admin.Delivered, error) {
	return admin.Delivered{Worker: "app-2.7", Acknowledged: kind != "bare"}, d.called("send", to.Worker+to.Pool+to.Pick, kind, string(data))
}

func (d *drover) Request(_ context.Context, to admin.Target, kind string, data []byte, timeout time.Duration) (admin.Response, error) {
	return admin.Response{From: "app-2.7", Data: []byte(`{"price": [3, "a b"]}`)}, d.called("request", to.Worker+to.Pool+to.Pick, kind, string(data), timeout.String())
}

func (d *drover) Cache() (admin.CacheStats, error) {
	return admin.CacheStats{Entries: 3, Bytes: 5000, MaxBytes: 64 << 20, MaxEntryBytes: 1 << 20, Namespaces: []admin.CacheNamespace{
		{Name: "users", Entries: 3, Bytes: 5000, Hits: 990, Misses: 10, Sets: 13, Invalidated: 2, Evictions: 1, Expirations: 7, Loads: 10, LoadSeconds: 0.25, Waiting: 1, Copying: 2},
		{Name: "settings"},
	}}, d.refuse
}

func (d *drover) CacheEntry(namespace, key string) (admin.CacheEntry, error) {
	return admin.CacheEntry{Namespace: namespace, Key: key, Value: []byte(`{"name":"Ada"}`), TTLMS: 58200}, d.called("entry", namespace, key)
}

func (d *drover) Purge(p admin.PurgeRequest) (int, error) {
	return 3, d.called("purge", p.Namespace, p.Key, p.Tag, p.Prefix, strconv.FormatBool(p.All))
}

func (d *drover) Warm(_ context.Context, replace bool) (admin.Warmed, error) {
	return d.warmed, d.called("warm", strconv.FormatBool(replace))
}

// start serves the admin API of d on a socket; it returns what --admin takes.
func (d *drover) start(t *testing.T, bus *event.Bus, tokens ...config.Token) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.sock")
	s, err := admin.New(admin.Options{Config: config.Admin{Socket: path, Tokens: tokens}, Backend: d, Bus: bus, Metrics: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "unix:" + path
}

func TestCommands_ShowTablesAndJSON(t *testing.T) {
	d := &drover{}
	bus := event.NewBus(10)
	at := time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	bus.Publish(event.Event{Time: at, Kind: event.WorkerExited, Subject: "app-2.6", Message: "exit status 1", Attrs: map[string]any{"code": 1}})
	bus.Publish(event.Event{Time: at.Add(time.Second), Kind: event.PoolDegraded, Subject: "app", Message: "1 of 2 workers is ready"})
	address := d.start(t, bus)
	f := func(args ...string) {
		t.Helper()
		r := run(append(args, "--admin", address))
		if r.code != ExitDone || r.errors != "" {
			t.Errorf("drover %v: status %d, %s", args, r.code, r.errors)
		}
		golden(t, strings.ReplaceAll(strings.Join(args, "-"), "--", "-")+".txt", r.out)
	}
	f("status")
	f("status", "--json")
	f("workers")
	f("workers", "--json")
	f("pools")
	f("pools", "--json")
	f("events")
	f("events", "--json")
	f("cache", "stats")
	f("cache", "stats", "--json")
}

func TestCommands_ShowChecksWhereThereAreSome(t *testing.T) {
	d := &drover{checks: []admin.Check{{Name: "db", OK: true}, {Name: "disk", Message: "full\n\tof \x1b[31mlogs"}, {Name: "mail"},
		{Name: "queue", Message: strings.Repeat("long ", 20)}}}
	address := d.start(t, event.NewBus(1))
	golden(t, "workers-checks.txt", run([]string{"workers", "--admin", address}).out)
	r := run([]string{"status", "--admin", address})
	if line := "checks: db ok, disk FAIL at 1 of 1, mail FAIL at 1 of 1, queue FAIL at 1 of 1\n"; !strings.Contains(r.out, line) {
		t.Errorf("no %q in\n%s", line, r.out)
	}
}

func TestWorkers_ShowLimitsThatAreNotKeptAsAsked(t *testing.T) {
	d := &drover{limits: map[string]admin.Limit{"privatePids": {Value: true, Level: "none"}, "maxOpenFiles": {Value: 5000, Level: "partial"},
		"sandbox": {Value: "strict", Level: "kernel"}}}
	golden(t, "workers-limits.txt", run([]string{"workers", "--admin", d.start(t, event.NewBus(1))}).out)
}

func TestCommands_ShowLeaksWhereThereAreSome(t *testing.T) {
	f := func(name string, leak admin.Leak) {
		t.Helper()
		d := &drover{leak: &leak}
		golden(t, name, run([]string{"workers", "--admin", d.start(t, event.NewBus(1))}).out)
	}
	f("workers-leak.txt", admin.Leak{BytesPerHour: 62914560, SecondsToLimit: 18120, LimitBytes: 536870912})
	f("workers-leak-unlimited.txt", admin.Leak{BytesPerHour: 62914560})
}

func TestCommands_OperateTheRunningDrover(t *testing.T) {
	d := &drover{outcome: admin.Operation{State: admin.Succeeded}}
	address := d.start(t, event.NewBus(1))
	f := func(args, call, says string) {
		t.Helper()
		r := run(append(strings.Fields(args), "--admin", address))
		if r.code != ExitDone || strings.TrimSpace(r.out) != says || r.errors != "" {
			t.Errorf("drover %s: status %d, says %q %q, want %q", args, r.code, r.out, r.errors, says)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if !slices.Equal(d.calls, []string{call}) {
			t.Errorf("drover %s: calls %q, want %q", args, d.calls, call)
		}
		d.calls, d.polls = nil, 0
	}
	manual := "app: 2 workers wanted, 1 ready\nautoscaling leaves it at that until drover scale app auto" // so says the fake drover always
	f("scale app 3", "scale app 3", manual)
	f("scale app auto", "scale app auto", manual)
	f("restart app", "restart app", "app: restarting (roll-2)")
	f("restart app --wait", "restart app", "app: restarted")
	f("worker drain app-2", "worker drain app-2", "app-2.7: drained")
	f("worker resume app-2.7", "worker resume app-2.7", "app-2.7: takes requests again")
	f("worker restart app-2", "worker restart app-2", "app-2.7: is being replaced")
	f("worker stop app-2", "worker stop app-2", "app-2.7: is being stopped")
	f("upstream drain unix:/run/db.sock", "upstream drain unix:/run/db.sock", "unix:/run/db.sock: drained")
	f("upstream resume a", "upstream resume a", "a: takes requests again")
	f("upstream maintenance 10.0.0.1:80", "upstream maintenance 10.0.0.1:80", "10.0.0.1:80: in maintenance")
	f("upstream weight a 3", "upstream weight a 3", "a: weight 3")
	f("upgrade", "upgrade", "drover 1.3.0, pid 5122, has taken over")
	f("stop", "stop", "stopping")
	f("stop --now", "stop now", "stopping")
	f("reload", "reload", "nothing changed")
	d.reload = admin.ReloadResult{Added: []string{"db"}}
	f("reload", "reload", "new pools: db")
	d.reload = admin.ReloadResult{Removed: []string{"old"}, Rolled: []string{"app", "api"}, Applied: []string{"server.timeouts"}, NeedsRestart: []string{"admin.address"}}
	f("reload", "reload", "removed pools: old\napplied in place: server.timeouts\nrolling restart: app, api\ntakes effect when drover is started anew: admin.address")
}

func TestCommands_RefusalsHaveTheirStatus(t *testing.T) {
	d := &drover{outcome: admin.Operation{State: admin.Failed, Message: "rolled back: app-1.2 was not ready within 1m0s"}}
	address := d.start(t, event.NewBus(1))
	f := func(args string, refuse error, code int, says string) {
		t.Helper()
		d.mu.Lock()
		d.refuse, d.polls = refuse, 0
		d.mu.Unlock()
		r := run(append(strings.Fields(args), "--admin", address))
		if r.code != code || r.errors != says+"\n" || r.out != "" {
			t.Errorf("drover %s: status %d, want %d; says %q %q, want %q", args, r.code, code, r.out, r.errors, says)
		}
	}
	f("restart app --wait", nil, 3, "drover: app: the restart was rolled back: app-1.2 was not ready within 1m0s")
	d.outcome.Message = "drover is stopping"
	f("restart app --wait", nil, 3, "drover: app: the restart failed: drover is stopping")
	f("restart app", admin.Conflict("a restart of app is going on"), 3, "drover: a restart of app is going on")
	f("upgrade", admin.Conflict("pool app: the new worker did not become ready"), 3, "drover: pool app: the new worker did not become ready")
	f("restart web", admin.NotFound("there is no pool web"), 1, "drover: there is no pool web")
	f("reload", admin.BadSettings("the settings are wrong", []string{"drover.yaml:3: a: b; c", "drover.yaml:4: d: e; f"}), 3,
		"drover: the settings are wrong\ndrover.yaml:3: a: b; c\ndrover.yaml:4: d: e; f")
	f("worker stop app-9", os.ErrDeadlineExceeded, 1, "drover: i/o timeout")
}

func TestStatus_CheckIsOneLineAndAStatus(t *testing.T) {
	d := &drover{}
	address := d.start(t, event.NewBus(1), config.Token{Name: "a", Role: "viewer", Token: "secret"})
	f := func(ready bool, address string, code int, says string) {
		t.Helper()
		d.mu.Lock()
		d.ready = ready
		d.mu.Unlock()
		r := run([]string{"status", "--check", "--admin", address})
		if r.code != code || r.out != says+"\n" || r.errors != "" {
			t.Errorf("ready %v: status %d, want %d; says %q %q, want %q", ready, r.code, code, r.out, r.errors, says)
		}
	}
	f(true, address, 0, "ready")
	f(false, address, 1, "not ready: app: no worker is ready; db: no upstream is healthy")
	f(false, "unix:/nowhere/a.sock", 1, "not ready: no drover answers at unix:/nowhere/a.sock; is it running? start one with drover run, or name it with --admin")
}

func TestClient_SendsTheToken(t *testing.T) {
	d := &drover{}
	address := d.start(t, event.NewBus(1),
		config.Token{Name: "a", Role: "viewer", Token: "see"}, config.Token{Name: "b", Role: "operator", Token: "do"})
	f := func(command, token string, code int, says string) {
		t.Helper()
		r := run(strings.Fields(command), "DROVER_ADMIN", address, "DROVER_ADMIN_TOKEN", token)
		if r.code != code || !strings.Contains(r.out+r.errors, says) {
			t.Errorf("drover %s with token %q: status %d, want %d; says %q %q", command, token, r.code, code, r.out, r.errors)
		}
	}
	f("status", "", 1, "DROVER_ADMIN_TOKEN")
	f("status", "guess", 1, "not one of admin.tokens")
	f("status", "see", 0, "pid 4711")
	f("stop", "see", 1, "role operator")
	f("stop", "do", 0, "stopping")
}

func TestClient_SaysThatNobodyAnswers(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "a.sock")
	f := func(address, says string) {
		t.Helper()
		if r := run([]string{"workers", "--admin", address}); r.code != ExitFailed || !strings.Contains(r.errors, says) {
			t.Errorf("%s: status %d, says %q, want %q", address, r.code, r.errors, says)
		}
	}
	f("unix:"+closed, "no drover answers at unix:"+closed+"; is it running?")
	f("http://127.0.0.1:1", "no drover answers at http://127.0.0.1:1; is it running?")
	if _, err := search([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "start one with drover run") {
		t.Errorf("without a socket: %v", err)
	}
}

func TestEvents_FollowPrintsWhatHappens(t *testing.T) {
	d := &drover{}
	bus := event.NewBus(10)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bus.Publish(event.Event{Time: at, Kind: event.WorkerReady, Subject: "app-1.1", Message: "ready after 20ms"})
	address := d.start(t, bus)

	client, err := newClient(address, "")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 10)
	go func() {
		defer close(lines)
		cmd := &EventsCmd{Follow: true}
		if err := cmd.follow(&Environment{Stdout: lineWriter(lines), Getenv: os.Getenv}, client); err != nil {
			t.Error(err)
		}
	}()
	if got := <-lines; got != "2026-03-01T12:00:00.000Z  worker-ready          app-1.1       ready after 20ms\n" {
		t.Errorf("recent: %q", got)
	}
	bus.Publish(event.Event{Time: at.Add(time.Second), Kind: event.WorkerExited, Subject: "app-1.1", Message: "signal: killed"})
	if got := <-lines; got != "2026-03-01T12:00:01.000Z  worker-exited         app-1.1       signal: killed\n" {
		t.Errorf("live: %q", got)
	}
	client.http.CloseIdleConnections()
}

// lineWriter passes on each write.
type lineWriter chan<- string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestPrintable_StopsWhatSteersATerminal(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
	f("line\n\tmore: größe", "line\n\tmore: größe")
	f("\x1b[2J\x1b]0;title\x07", "�[2J�]0;title�")
	f("a\rb\x00\u009b31m", "a�b��31m")
}
