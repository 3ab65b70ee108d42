package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// fake is a drover with one pool of two workers and one of an address.
type fake struct {
	mu    sync.Mutex
	calls []string
	ready bool
	fail  error // what changes return
}

func (f *fake) call(words ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, strings.Join(words, " "))
	return f.fail
}

func (f *fake) Status() Status {
	return Status{
		Version: "1.2.3", PID: 4700, UptimeSeconds: 3725.5, Health: Degraded, Ready: true,
		Reasons: []string{"app: 1 of 2 workers is ready"}, ConfigFile: "drover.yaml",
		Admin:     AdminStatus{Address: "127.0.0.1:9900", Socket: "/run/drover/admin.sock"},
		Listeners: []Listener{{Name: "web", Address: ":8080", Protocol: "http", Pool: "app"}},
		Pools:     []PoolSummary{f.Pools()[0].PoolSummary, f.Pools()[1].PoolSummary}, Checks: counts(f.Workers()),
	}
}

// counts counts the checks of workers.
func counts(workers []Worker) (c CheckCounts) {
	for _, w := range workers {
		c.Add(w.Checks)
	}
	return c
}

func (f *fake) Pools() []Pool {
	return []Pool{
		{PoolSummary: PoolSummary{Name: "app", Health: Degraded, Strategy: "least-connections", Spawns: true, Wanted: 2, Workers: 2, Ready: 1, UpstreamCount: 1, Available: 1, InFlight: 3, Checks: counts(f.Workers()),
			AutoScaling: &Scaling{Min: 1, Max: 8, Desired: 2}},
			Upstreams: []Upstream{{ID: "app-1.1", Pool: "app", Address: "127.0.0.1:20001", Worker: true, Health: "healthy", State: "healthy", Weight: 1, InFlight: 3, Requests: 941, ErrorRate: 0.01, LatencyMS: 2.5, Breaker: "closed"}}},
		{PoolSummary: PoolSummary{Name: "db", Health: Healthy, Strategy: "round-robin", UpstreamCount: 1, Available: 1},
			Upstreams: []Upstream{{ID: "unix:/run/db.sock", Pool: "db", Address: "unix:/run/db.sock", Health: "healthy", State: "healthy", Weight: 3, Breaker: "closed"}}},
	}
}

func (f *fake) Workers() []Worker {
	history := []Life{{Generation: 5, StartedAt: time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC), EndedAt: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), Reason: "crash", Exit: "exit status 1", UptimeSeconds: 245}}
	return []Worker{
		{ID: "app-1.1", Pool: "app", Slot: 1, Generation: 1, PID: 4711, State: "running", Health: "healthy", Address: "127.0.0.1:20001", UptimeSeconds: 3724.1,
			CPUPercent: 3.1, MemoryBytes: 52428800, OpenFiles: 24, Threads: 11, Processes: 1, InFlight: 3, Requests: 941, Breaker: "closed", LoopDelayMS: new(0.4), HeapBytes: 8214352, HeapLimit: 4345298944, Checks: []Check{
				{Name: "db", OK: true, MS: 1.2, Details: json.RawMessage(`{"open":4}`)}, {Name: "disk", MS: 0.1, Message: "full"}}, Limits: map[string]Limit{"maxMemoryPerWorker": {Value: 268435456, Level: "kernel"}},
			Leak: &Leak{BytesPerHour: 6e6, LowBytesPerHour: 58e5, HighBytesPerHour: 61e5, SpanSeconds: 7200, LimitBytes: 536870912, SecondsToLimit: 290000, BytesPerRequest: 1500}, History: []Life{}},
		{ID: "app-2.6", Pool: "app", Slot: 2, Generation: 6, PID: 4720, State: "draining", Health: "healthy", Restarts: 5, LastReason: "crash", Breaker: "closed", Limits: map[string]Limit{}, History: history},
		{ID: "app-2.7", Pool: "app", Slot: 2, Generation: 7, PID: 4730, State: "starting", Health: "starting", Address: "127.0.0.1:20003", UptimeSeconds: 0.2, Restarts: 6, LastReason: "crash", Breaker: "closed", Limits: map[string]Limit{}, History: history},
	}
}

func (f *fake) Footprint(id string) *Footprint {
	if id != "app-2.7" {
		return nil
	}
	return &Footprint{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), PSSBytes: 48234496, USSBytes: 41943040}
}

func (f *fake) Operation(id string) (Operation, bool) {
	return Operation{ID: id, Kind: "restart", Pool: "app", State: Running, Message: "1 of 2 workers is replaced"}, id == "roll-1"
}

func (f *fake) Config() any {
	return map[string]any{"server": map[string]any{"listeners": []any{map[string]string{"address": ":8080", "pool": "app"}}}}
}

func (f *fake) Ready() (bool, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready {
		return true, nil
	}
	return false, []string{"app: no worker is ready"}
}

func (f *fake) Reload() (ReloadResult, error) {
	return ReloadResult{Rolled: []string{"app"}, Applied: []string{"server.timeouts"}, Operations: map[string]string{"app": "roll-2"}}, f.call("reload")
}

func (f *fake) Upgrade(context.Context) (Upgraded, error) {
	return Upgraded{PID: 5122, Version: "1.3.0"}, f.call("upgrade")
}

func (f *fake) Stop(now bool) {
	_ = f.call("stop", map[bool]string{true: "now", false: "drained"}[now])
}

func (f *fake) Scale(pool string, n int, auto bool) error {
	if auto {
		return f.call("scale", pool, "auto")
	}
	if pool != "app" {
		return NotFound("there is no pool %q", pool)
	}
	return f.call("scale", pool, strings.Repeat("I", n))
}

func (f *fake) Restart(pool string) (string, error) { return "roll-1", f.call("restart", pool) }
func (f *fake) Worker(id, verb string) error        { return f.call("worker", id, verb) }

func (f *fake) Upstream(id, verb string, n int) error {
	return f.call("upstream", id, verb, strings.Repeat("I", n))
}

func (f *fake) Broadcast(_ context.Context, pool, kind string, data []byte) (Broadcasted, error) {
	return Broadcasted{Received: 2, Sent: 1, Failed: []Undelivered{{"app-4.1", "queue-full", "1000 frames wait for worker app-4.1"}}},
		f.call("broadcast", pool, kind, string(data))
}

func (f *fake) Send(_ context.Context, to Target, kind string, data []byte) (Delivered, error) {
	return Delivered{Worker: "app-2.7", Acknowledged: true}, f.call("send", fmt.Sprint(to), kind, string(data))
}

func (f *fake) Request(_ context.Context, to Target, kind string, data []byte, timeout time.Duration) (Response, error) {
	return Response{From: "app-2.7", Data: json.RawMessage(`{"price":3}`)}, f.call("request", fmt.Sprint(to), kind, string(data), timeout.String())
}

func (f *fake) Cache() (CacheStats, error) {
	return CacheStats{Entries: 2, Bytes: 4096, MaxBytes: 64 << 20, MaxEntryBytes: 1 << 20, Namespaces: []CacheNamespace{{
		Name: "users", Entries: 2, Bytes: 4096, Hits: 941, Misses: 12, Sets: 12, Deletes: 1, Invalidated: 3, Expirations: 6, Loads: 10, LoadSeconds: 0.25,
		SharedLoads: 4, Copying: 2, Drops: 7,
	}}}, f.fail
}

func (f *fake) CacheEntry(namespace, key string) (CacheEntry, error) {
	if key != "7" {
		return CacheEntry{}, NotFound("namespace %s has no entry %s", namespace, quoted(key))
	}
	return CacheEntry{Namespace: namespace, Key: key, Value: json.RawMessage(`{"name":"Ada"}`), TTLMS: 58200}, f.fail
}

func (f *fake) Purge(what PurgeRequest) (int, error) { return 3, f.call("purge", fmt.Sprint(what)) }

func (f *fake) Warm(_ context.Context, replace bool) (Warmed, error) {
	return Warmed{Stored: 120, Requests: 1}, f.call("warm", fmt.Sprint(replace))
}

// serve returns a server over f that was not started; its handler can be called.
func serve(t *testing.T, f *fake, cfg config.Admin) *Server {
	t.Helper()
	bus := event.NewBus(10)
	bus.Publish(event.Event{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Kind: event.WorkerExited, Subject: "app-2.6",
		Message: "exit status 1", Attrs: map[string]any{"code": 1}})
	s, err := New(Options{Config: cfg, Backend: f, Bus: bus, Metrics: numbers{}})
	if err != nil {
		t.Fatal(err)
	}
	s.folders = []string{t.TempDir()}
	return s
}
