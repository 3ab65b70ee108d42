package metrics

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/drover-proxy/drover/internal/workertest"
)

// full returns metrics in which every metric has a value.
func full() *Metrics {
	m := New(BuildInfo{Version: "1.2.3", Commit: "abc", GoVersion: "go1.26"})
	m.Request("web", "app").Observe("GET", 200, 3*time.Millisecond, 10, 20)
	u := m.Upstream("app", "app-1")
	u.Observe(200, time.Millisecond)
	u.ConnectFailure()
	m.Retry("app", "refused")
	m.Rejected("queue-full")
	m.QueueWait("app", time.Second)
	m.HealthCheck("app", "pass", time.Millisecond)
	m.Connection("web", "http").Open()
	m.ConnectionResult("web", "app", "ok")
	m.Reload(true)
	m.Event("worker-started")
	m.IPCMessage("send", "ok")
	m.AutoscaleDecisions("app", "up", "cpu", 1)
	m.IPCRequest(time.Millisecond)
	_ = tell(m.App(), "app-1.1", `[{"name":"bad name","type":"gauge","samples":[]}]`)
	m.Watch(func() State {
		return State{
			Upstreams: []UpstreamRow{{Pool: "app", ID: "app-1.1", Label: "app-1", State: "healthy", InFlight: 2, Breaker: "open", BreakerTrips: 3}},
			Queues:    []QueueRow{{"app", 4}},
			Workers:   []WorkerRow{{"app", "running", 2}},
			Restarts:  []RestartRow{{"app", "crash", 5}},
			Scaling:   []ScalingRow{{"app", 3}},
			Processes: []ProcessRow{{Pool: "app", ID: "app-1.1", Label: "app-1", CPUSeconds: 1.5, RSS: 1 << 20, Shared: 1 << 10, OpenFiles: 7, Threads: 11, Processes: 2,
				VoluntarySwitches: 30, InvoluntarySwitches: 4, ReadBytes: 4096, WrittenBytes: 8192, LeakPerSecond: 0.5}},
			Host: &HostRow{CPURatio: 0.5, Memory: map[string]uint64{"total": 2, "available": 1},
				Pressure: map[string]float64{"cpu": 0.25}, Disk: map[string]uint64{"total": 9}, Network: map[string]uint64{"receive": 8}},
			LostLines: map[string]uint64{"request": 1},
			Cache: &CacheRow{Bytes: 100, Entries: 2, Namespaces: []CacheNamespaceRow{
				{Namespace: "users", Hits: 3, Misses: 1, Evictions: 2, Loads: 4, LoadTime: 1500 * time.Millisecond}}},
		}
	})
	return m
}

func TestMetrics_PassTheLinter(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, full(), ""))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetrics_PassPromtool(t *testing.T) {
	workertest.Need(t, "promtool")
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, full(), ""))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// scrape returns what the handler answers.
func scrape(t *testing.T, m *Metrics, accept string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics_HandlerSpeaksBothFormats(t *testing.T) {
	if text := scrape(t, full(), ""); !strings.Contains(text, `drover_requests_total{code="200",listener="web",method="GET",pool="app"} 1`) {
		t.Errorf("no requests in %s", text)
	}
	if text := scrape(t, full(), "application/openmetrics-text; version=1.0.0"); !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("not OpenMetrics: %.200s", text)
	}
}

func TestRequest_LabelsAreClosedSets(t *testing.T) {
	m := New(BuildInfo{})
	r := m.Request("web", "app")
	for _, method := range []string{"GET", "get", "PROPFIND", "", "X-\xff", "TRACE"} {
		r.Observe(method, 200, 0, 0, 0)
	}
	for _, code := range []int{0, 99, 100, 599, 600, -1, 1 << 40} {
		r.Observe("PUT", code, 0, 0, 0)
	}
	want := `
# HELP drover_requests_total Requests by the status that the client was sent; code OTHER: the client was sent none.
# TYPE drover_requests_total counter
drover_requests_total{code="200",listener="web",method="GET",pool="app"} 1
drover_requests_total{code="200",listener="web",method="OTHER",pool="app"} 4
drover_requests_total{code="200",listener="web",method="TRACE",pool="app"} 1
drover_requests_total{code="100",listener="web",method="PUT",pool="app"} 1
drover_requests_total{code="599",listener="web",method="PUT",pool="app"} 1
drover_requests_total{code="OTHER",listener="web",method="PUT",pool="app"} 5
`
	text := scrape(t, m, "")
	for line := range strings.Lines(want) {
		if !strings.Contains(text, line) {
			t.Errorf("no line %s", line)
		}
	}
	if n := strings.Count(text, "drover_requests_total{"); n != strings.Count(want, "drover_requests_total{") {
		t.Errorf("%d series, want no others than those above", n)
	}
	for _, method := range methods {
		if got := MethodName([]byte(method)); got != method {
			t.Errorf("the label of %s is %s", method, got)
		}
	}
}

func TestRequest_CountsFromManyGoroutines(t *testing.T) {
	m := New(BuildInfo{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, u := m.Request("web", "app"), m.Upstream("app", "app-1")
			for i := range 1000 {
				r.Observe("GET", 200+i%2, time.Duration(i%3)*time.Second, 1, 2)
				u.Observe(200, time.Hour)
				u.ConnectFailure()
			}
		})
	}
	wg.Wait()
	text := scrape(t, m, "")
	for _, line := range []string{
		`drover_request_bytes_total{listener="web",pool="app"} 8000`,
		`drover_response_bytes_total{listener="web",pool="app"} 16000`,
		`drover_upstream_connect_failures_total{pool="app",upstream="app-1"} 8000`,
		`drover_requests_total{code="200",listener="web",method="GET",pool="app"} 4000`,
		`drover_requests_total{code="201",listener="web",method="GET",pool="app"} 4000`,
		`drover_request_duration_seconds_bucket{listener="web",pool="app",le="0.0005"} 2672`,
		`drover_request_duration_seconds_bucket{listener="web",pool="app",le="1"} 5336`,
		`drover_request_duration_seconds_bucket{listener="web",pool="app",le="+Inf"} 8000`,
		`drover_request_duration_seconds_sum{listener="web",pool="app"} 7992`,
		`drover_request_duration_seconds_count{listener="web",pool="app"} 8000`,
		`drover_upstream_duration_seconds_bucket{pool="app",upstream="app-1",le="60"} 0`,
		`drover_upstream_duration_seconds_count{pool="app",upstream="app-1"} 8000`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestWatch_AddsUpGenerationsOfASlot(t *testing.T) {
	m := New(BuildInfo{})
	row := func(generation string, cpu float64, trips uint64, state string) State {
		id := "app-1." + generation
		return State{
			Upstreams: []UpstreamRow{{Pool: "app", ID: id, Label: "app-1", State: state, InFlight: 1, Breaker: "closed", BreakerTrips: trips}},
			Processes: []ProcessRow{{Pool: "app", ID: id, Label: "app-1", CPUSeconds: cpu, RSS: 10, OpenFiles: 1,
				VoluntarySwitches: uint64(10 * cpu), InvoluntarySwitches: uint64(cpu), ReadBytes: uint64(20 * cpu), WrittenBytes: uint64(40 * cpu), LeakPerSecond: 3}},
		}
	}
	join := func(a, b State) State {
		return State{Upstreams: slices.Concat(a.Upstreams, b.Upstreams), Processes: slices.Concat(a.Processes, b.Processes)}
	}
	f := func(s State, cpu, trips, memory float64) {
		t.Helper()
		m.Watch(func() State { return s })
		text := scrape(t, m, "")
		for _, line := range []string{
			fmt.Sprintf(`drover_worker_cpu_seconds_total{pool="app",worker="app-1"} %v`, cpu),
			fmt.Sprintf(`drover_worker_context_switches_total{kind="voluntary",pool="app",worker="app-1"} %v`, 10*cpu),
			fmt.Sprintf(`drover_worker_io_bytes_total{direction="read",pool="app",worker="app-1"} %v`, 20*cpu),
			fmt.Sprintf(`drover_worker_io_bytes_total{direction="write",pool="app",worker="app-1"} %v`, 40*cpu),
			fmt.Sprintf(`drover_worker_leak_bytes_per_second{pool="app",worker="app-1"} %v`, 3*memory/10),
			fmt.Sprintf(`drover_circuit_breaker_trips_total{pool="app",upstream="app-1"} %v`, trips),
			fmt.Sprintf(`drover_worker_memory_bytes{kind="rss",pool="app",worker="app-1"} %v`, memory),
		} {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("no line %s in\n%s", line, text)
			}
		}
	}
	f(row("1", 5, 1, "healthy"), 5, 1, 10)
	f(join(row("1", 6, 1, "draining"), row("2", 1, 0, "healthy")), 7, 1, 20)
	f(row("2", 2, 1, "healthy"), 8, 2, 10) // never goes down when the old one leaves
	f(row("2", 1.5, 1, "healthy"), 9.5, 2, 10)
}

func TestDocs_ListExactlyTheMetrics(t *testing.T) {
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(drover_[a-z_]+)(\\{([a-z,]*)\\})?` ").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1]+"{"+row[3]+"}")
	}
	slices.Sort(documented)
	if got := names(full().Registry()); !slices.Equal(documented, got) {
		t.Errorf("docs/metrics.md has\n%s\nregistered are\n%s", strings.Join(documented, "\n"), strings.Join(got, "\n"))
	}
}

// names lists the metrics with their labels, as docs/metrics.md writes them.
func names(r *prometheus.Registry) (list []string) {
	descs := make(chan *prometheus.Desc, 1000)
	r.Describe(descs)
	close(descs)
	parts := regexp.MustCompile(`fqName: "(drover_[^"]*)".*constLabels: \{([^}]*)\}.*variableLabels: \{([^}]*)\}`)
	for d := range descs {
		p := parts.FindStringSubmatch(d.String())
		if p == nil {
			continue
		}
		var labels []string
		for _, l := range strings.Split(p[2], ",") {
			if name, _, ok := strings.Cut(l, "="); ok {
				labels = append(labels, name)
			}
		}
		if p[3] != "" {
			labels = append(labels, strings.Split(p[3], ",")...)
		}
		list = append(list, p[1]+"{"+strings.Join(labels, ",")+"}")
	}
	slices.Sort(list)
	return list
}

func BenchmarkRequest_Observe(b *testing.B) {
	m := New(BuildInfo{})
	r := m.Request("web", "app")
	b.ReportAllocs()
	b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Observe("GET", 200, 300*time.Microsecond, 0, 119)
		}
	})
}
