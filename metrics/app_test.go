package metrics

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// tell gives a worker's numbers as its channel does.
func tell(a *App, worker, frame string) error {
	slot, _, _ := strings.Cut(worker, ".")
	pool, _, _ := strings.Cut(slot, "-")
	return a.Report(worker, slot, pool, []byte(frame))
}

// own returns the lines of the workers' own metrics, without comments.
func own(t *testing.T, m *Metrics) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(scrape(t, m, "")) {
		if !regexp.MustCompile(`^(#|drover_|go_|process_)`).MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, m *Metrics, want ...string) {
	t.Helper()
	if got := own(t, m); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	scrape(t, m, "application/openmetrics-text; version=1.0.0") // must not fail either
}

// take reports what must be taken as a whole.
func take(t *testing.T, m *Metrics, worker, frame string) {
	t.Helper()
	if err := tell(m.App(), worker, frame); err != nil {
		t.Errorf("%s: %v", frame, err)
	}
}

func TestApp_ShowsTheFramesOfTheProtocol(t *testing.T) {
	m := New(BuildInfo{})
	take(t, m, "app-3.1", `[{"name":"orders_total","type":"counter","help":"Orders taken","samples":[{"labels":{"kind":"new"},"value":3}]}]`)
	take(t, m, "app-3.1", `[{"name":"order_seconds","type":"histogram","buckets":[0.1,1],"samples":[{"labels":{},"counts":[4,1,0],"sum":0.9}]}]`)
	take(t, m, "jobs-1.1", `[{"name":"depth","type":"gauge","help":"-","samples":[{"value":-2.5},{"labels":{"b":"2","a":"1"},"value":1}]}]`)
	expect(t, m,
		`depth{worker="jobs-1"} -2.5`,
		`depth{a="1",b="2",worker="jobs-1"} 1`,
		`order_seconds_bucket{worker="app-3",le="0.1"} 4`,
		`order_seconds_bucket{worker="app-3",le="1"} 5`,
		`order_seconds_bucket{worker="app-3",le="+Inf"} 5`,
		`order_seconds_sum{worker="app-3"} 0.9`,
		`order_seconds_count{worker="app-3"} 5`,
		`orders_total{kind="new",worker="app-3"} 3`)
	if text := scrape(t, m, ""); !strings.Contains(text, "# HELP orders_total Orders taken\n# TYPE orders_total counter\n") {
		t.Errorf("no help in\n%s", text)
	}
	if problems, err := promlint.New(strings.NewReader(scrape(t, m, ""))).Lint(); err != nil || len(problems) > 1 { // order_seconds has no help
		t.Errorf("got %v, %v", problems, err)
	}
}

func TestApp_CountsGoOnOverTheGenerationsOfASlot(t *testing.T) {
	m := New(BuildInfo{})
	state := func(n, g, low, high int) string {
		return fmt.Sprintf(`[{"name":"n_total","type":"counter","samples":[{"value":%d}]},{"name":"g","type":"gauge","samples":[{"value":%d}]},
			{"name":"h","type":"histogram","buckets":[1],"samples":[{"counts":[%d,%d],"sum":%d}]}]`, n, g, low, high, low+2*high)
	}
	want := func(n, low, all, sum int, gauges ...string) {
		t.Helper()
		expect(t, m, append(gauges,
			fmt.Sprintf(`h_bucket{worker="app-1",le="1"} %d`, low),
			fmt.Sprintf(`h_bucket{worker="app-1",le="+Inf"} %d`, all),
			fmt.Sprintf(`h_sum{worker="app-1"} %d`, sum),
			fmt.Sprintf(`h_count{worker="app-1"} %d`, all),
			fmt.Sprintf(`n_total{worker="app-1"} %d`, n))...)
	}
	take(t, m, "app-1.1", state(5, 7, 2, 1))
	want(5, 2, 3, 4, `g{worker="app-1"} 7`)
	take(t, m, "app-1.2", state(1, 3, 1, 0)) // a rolling restart: both are there
	want(6, 3, 4, 5, `g{worker="app-1"} 10`)
	m.App().Gone("app-1.1")
	want(6, 3, 4, 5, `g{worker="app-1"} 3`)
	m.App().Gone("app-1.2")
	want(6, 3, 4, 5) // the slot is empty: what was counted stays
	take(t, m, "app-1.3", state(2, 1, 0, 1))
	want(8, 3, 5, 7, `g{worker="app-1"} 1`)
	take(t, m, "app-1.3", state(1, 1, 0, 0)) // the program began anew by itself
	want(9, 3, 5, 7, `g{worker="app-1"} 1`)
	if err := tell(m.App(), "app-1.2", state(100, 100, 100, 100)); err != nil { // late words
		t.Error(err)
	}
	want(9, 3, 5, 7, `g{worker="app-1"} 1`)
	m.App().Gone("app-1.9") // reported nothing
	want(9, 3, 5, 7, `g{worker="app-1"} 1`)
}

func TestApp_NewBucketsBeginAnew(t *testing.T) {
	m := New(BuildInfo{})
	take(t, m, "app-1.9", `[{"name":"h","type":"histogram","buckets":[1],"samples":[{"counts":[5,1],"sum":9}]}]`)
	take(t, m, "app-1.10", `[{"name":"h","type":"histogram","buckets":[2,3],"samples":[{"counts":[1,1,0],"sum":3}]}]`)
	want := []string{`h_bucket{worker="app-1",le="2"} 1`, `h_bucket{worker="app-1",le="3"} 2`, `h_bucket{worker="app-1",le="+Inf"} 2`, `h_sum{worker="app-1"} 3`, `h_count{worker="app-1"} 2`}
	expect(t, m, want...)
	m.App().Gone("app-1.9")
	expect(t, m, want...)
}

func TestApp_RefusesWhatIsWrongAndTakesTheRest(t *testing.T) {
	f := func(metric, reason, told string) {
		t.Helper()
		m := New(BuildInfo{})
		frame := `[` + metric + `,{"name":"good","type":"gauge","samples":[{"value":1}]}]`
		err := tell(m.App(), "app-1.1", frame)
		if err == nil || !strings.HasPrefix(err.Error(), "metrics of worker app-1.1: "+told) {
			t.Errorf("%s\ngot  %v\nwant %s", metric, err, told)
		}
		if err := tell(m.App(), "app-1.1", frame); err != nil {
			t.Errorf("%s is told twice: %v", metric, err)
		}
		text := scrape(t, m, "")
		if line := fmt.Sprintf("drover_worker_samples_refused_total{pool=\"app\",reason=%q} 2\n", reason); !strings.Contains(text, line) {
			t.Errorf("%s: no %s", metric, line)
		}
		expect(t, m, `good{worker="app-1"} 1`)
	}
	long := strings.Repeat("x", 257)
	f(`7`, "frame", "a metric cannot be read: ")
	f(`{"name":"a","type":"gauge","value":1}`, "frame", "a metric cannot be read: ")
	f(`{"name":"a","type":"gauge","samples":[{"value":1e999}]}`, "frame", "a metric cannot be read: ")
	f(`{"name":"a","type":"histogram","buckets":[1],"samples":[{"counts":[-1,1],"sum":1}]}`, "frame", "a metric cannot be read: ")
	f(`{"name":"a b","type":"gauge","samples":[]}`, "name", `"a b" is no name of a metric`)
	f(`{"name":"","type":"gauge","samples":[]}`, "name", `"" is no name of a metric`)
	f(`{"name":"`+long+`","type":"gauge","samples":[]}`, "name", `"xxx`)
	f(`{"name":"drover_x","type":"gauge","samples":[]}`, "name", `drover_x: names that begin with drover_ are drover's own`)
	f(`{"name":"go_goroutines","type":"gauge","samples":[]}`, "name", `go_goroutines: names that begin with go_ are drover's own`)
	f(`{"name":"a","type":"summary","samples":[]}`, "type", `a: "summary" is no type; there are counter, gauge and histogram`)
	f(`{"name":"a","type":"gauge","buckets":[1],"samples":[]}`, "value", `a: a gauge has no buckets`)
	f(`{"name":"a","type":"histogram","buckets":[1,1],"samples":[]}`, "value", `a: the buckets do not ascend`)
	f(`{"name":"a","type":"histogram","buckets":[0`+strings.Repeat(",1", 100)+`],"samples":[]}`, "value", `a has 101 buckets, more than 100`)
	s := func(kind, sample, reason, told string) {
		t.Helper()
		buckets := ""
		if kind == "histogram" {
			buckets = `"buckets":[1],`
		}
		f(`{"name":"a","type":"`+kind+`",`+buckets+`"samples":[`+sample+`]}`, reason, told)
	}
	s("counter", `{"value":-1}`, "value", "a: the counter is -1")
	s("counter", `{}`, "value", "a: a sample of a counter has a value, and nothing else")
	s("gauge", `{"value":1,"sum":1}`, "value", "a: a sample of a gauge has a value, and nothing else")
	s("histogram", `{"value":1}`, "value", "a: a sample of a histogram has counts and a sum, and no value")
	s("histogram", `{"counts":[1,1]}`, "value", "a: a sample of a histogram has counts and a sum, and no value")
	s("histogram", `{"counts":[1],"sum":1}`, "value", "a has 1 counts for 1 buckets and what is above them")
	s("histogram", `{"counts":[1,9007199254740993],"sum":1}`, "value", "a: a count is above 9007199254740992")
	s("gauge", `{"labels":{"a b":""},"value":1}`, "label", `a: "a b" is no name of a label`)
	s("gauge", `{"labels":{"__name__":"b"},"value":1}`, "label", `a: "__name__" is no name of a label`)
	s("gauge", `{"labels":{"worker":"b"},"value":1}`, "label", `a: the label worker is taken`)
	s("histogram", `{"labels":{"le":"1"},"counts":[1,1],"sum":1}`, "label", `a: the label le is taken`)
	s("gauge", `{"labels":{"l":"`+long+`"},"value":1}`, "label", `a: the value of the label l has 257 bytes, more than 256`)
	s("gauge", `{"labels":{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","j":"","k":""},"value":1}`, "label", `a has 11 labels, more than 10`)

	m := New(BuildInfo{})
	if err := tell(m.App(), "app-1.1", `{}`); err == nil || !strings.Contains(err.Error(), "metrics is no list") {
		t.Errorf("got %v", err)
	}
}

// TestApp_NothingMakesAScrapeFail reports pairs that cannot stand beside each
// other in /metrics.
func TestApp_NothingMakesAScrapeFail(t *testing.T) {
	metric := func(name, kind string) string {
		if kind == "histogram" {
			return `[{"name":"` + name + `","type":"histogram","buckets":[1],"samples":[{"counts":[1,1],"sum":3}]}]`
		}
		return `[{"name":"` + name + `","type":"` + kind + `","samples":[{"value":1}]}]`
	}
	f := func(a, aKind, b, bKind string) {
		t.Helper()
		for range 2 { // either may come first
			m := New(BuildInfo{})
			take(t, m, "app-1.1", metric(a, aKind))
			before := own(t, m)
			if err := tell(m.App(), "app-2.1", metric(b, bKind)); err == nil || !strings.Contains(err.Error(), "does not go with") {
				t.Errorf("%s beside %s: %v", b, a, err)
			}
			expect(t, m, before)
			m.App().Gone("app-1.1")
			m.App().Gone("app-2.1")
			take(t, m, "app-2.2", metric(b, bKind)) // nobody has the other any more
			if text := own(t, m); !strings.HasPrefix(text, b) || strings.Contains(text, `worker="app-1"`) {
				t.Errorf("%s after %s: %s", b, a, text)
			}
			expect(t, m, own(t, m))
			a, aKind, b, bKind = b, bKind, a, aKind
		}
	}
	f("a", "counter", "a", "gauge")
	f("a", "counter", "a", "histogram")
	f("a", "counter", "a_total", "counter") // one name in OpenMetrics
	f("a", "gauge", "a_total", "counter")
	f("a", "histogram", "a_count", "counter")
	f("a", "histogram", "a_sum", "gauge")
	f("a", "histogram", "a_bucket", "gauge")
	f("a_bucket", "histogram", "a", "histogram")

	m := New(BuildInfo{}) // labels may differ, and helps
	take(t, m, "app-1.1", `[{"name":"a","type":"gauge","help":"one","samples":[{"value":1}]}]`)
	take(t, m, "app-2.1", `[{"name":"a","type":"gauge","help":"two","samples":[{"labels":{"b":"c"},"value":1}]}]`)
	take(t, m, "app-2.1", `[{"name":"a","type":"gauge","help":"`+strings.Repeat("é", 1000)+`","samples":[{"labels":{"b":"c"},"value":2},{"labels":{"b":"c","d":""},"value":3}]}]`)
	expect(t, m, `a{worker="app-1"} 1`, `a{b="c",worker="app-2"} 3`)
}

func TestApp_IsBounded(t *testing.T) {
	m := New(BuildInfo{})
	var samples []string
	for i := range mostSamples + 5 {
		samples = append(samples, fmt.Sprintf(`{"labels":{"i":"%d"},"value":1}`, i))
	}
	frame := `[{"name":"n","type":"counter","samples":[` + strings.Join(samples, ",") + `]}]`
	refused := func(want int) {
		t.Helper()
		if line := fmt.Sprintf("drover_worker_samples_refused_total{pool=\"app\",reason=\"too-many\"} %d\n", want); !strings.Contains(scrape(t, m, ""), line) {
			t.Errorf("no %s", line)
		}
	}
	if err := tell(m.App(), "app-1.1", frame); err == nil || !strings.Contains(err.Error(), "n: a worker may have 1000 samples") {
		t.Errorf("got %v", err)
	}
	refused(5)
	if got := strings.Count(own(t, m), "\n") + 1; got != mostSamples {
		t.Errorf("%d samples", got)
	}
	_ = tell(m.App(), "app-1.1", frame) // the old ones are still taken
	refused(10)
	for slot := 2; slot <= mostSeries/mostSamples; slot++ {
		_ = tell(m.App(), fmt.Sprintf("app-%d.1", slot), frame)
	}
	if m.App().series != mostSeries {
		t.Fatalf("%d series", m.App().series)
	}
	if err := tell(m.App(), "app-500.1", frame); err == nil || !strings.Contains(err.Error(), "n: all workers together may have 100000 samples") {
		t.Errorf("got %v", err)
	}
	m.App().Gone("app-7.1") // what it counted makes room
	take(t, m, "app-501.1", `[{"name":"n","type":"counter","samples":[{"value":1}]}]`)
	if got := m.App().series; got != mostSeries-mostSamples+1 || m.App().orphans != 0 {
		t.Errorf("%d series, %d of them nobody's", got, m.App().orphans)
	}
}

// Room is also made in the family that needs it, of which all may have been nobody's.
func TestApp_MakesRoomInAFamilyOfWorkersThatAreGone(t *testing.T) {
	m := New(BuildInfo{})
	fill := func(family string, workers int) {
		for slot := range workers {
			var samples []string
			for i := range mostSamples {
				samples = append(samples, fmt.Sprintf(`{"labels":{"i":"%d"},"value":1}`, i))
			}
			take(t, m, fmt.Sprintf("%s-%d.1", family, slot+1), `[{"name":"`+family+`","type":"counter","samples":[`+strings.Join(samples, ",")+`]}]`)
		}
	}
	fill("left", 1)
	fill("kept", mostSeries/mostSamples-1)
	m.App().Gone("left-1.1")
	take(t, m, "app-1.1", `[{"name":"left","type":"counter","samples":[{"value":7}]}]`)
	if got := own(t, m); !strings.Contains(got, "left{worker=\"app-1\"} 7") {
		t.Error("what made room for itself is not exposed")
	}
	if got := m.App().series; got != mostSeries-mostSamples+1 || m.App().orphans != 0 {
		t.Errorf("%d series, %d of them nobody's", got, m.App().orphans)
	}
}

func TestApp_LeavesNothingOfGauges(t *testing.T) {
	m := New(BuildInfo{})
	for i := range 100 {
		worker := fmt.Sprintf("app-1.%d", i+1)
		take(t, m, worker, fmt.Sprintf(`[{"name":"g%d","type":"gauge","samples":[{"value":1}]},{"name":"none%d","type":"counter","samples":[]}]`, i, i))
		m.App().Gone(worker)
	}
	a := m.App()
	if len(a.families)+len(a.claims)+len(a.workers)+a.series != 0 || len(a.ended["app-1"]) != mostEnded {
		t.Errorf("left: %d families, %d claims, %d workers, %d series, %d ended", len(a.families), len(a.claims), len(a.workers), a.series, len(a.ended["app-1"]))
	}
}

// FuzzApp holds for every two frames: no panic, a scrape that succeeds in both
// formats, and counts that do not go down when workers end.
func FuzzApp(f *testing.F) {
	f.Add([]byte(`[{"name":"orders_total","type":"counter","help":"Orders taken","samples":[{"labels":{"kind":"new"},"value":3}]}]`),
		[]byte(`[{"name":"orders","type":"gauge","samples":[{"value":3}]}]`))
	f.Add([]byte(`[{"name":"s","type":"histogram","buckets":[0.1,1],"samples":[{"labels":{},"counts":[4,1,0],"sum":0.9}]}]`),
		[]byte(`[{"name":"s","type":"histogram","buckets":[2],"samples":[{"counts":[4,1],"sum":-1}]},{"name":"s_count","type":"gauge","samples":[{"value":3}]}]`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a, registry := newApp(), prometheus.NewRegistry()
		registry.MustRegister(a)
		_ = tell(a, "app-1.1", string(first))
		_ = tell(a, "app-1.2", string(second))
		_ = tell(a, "app-2.1", string(second))
		before := gather(t, registry)
		for _, worker := range []string{"app-1.1", "app-1.2", "app-2.1"} {
			a.Gone(worker)
		}
		after := gather(t, registry)
		if a.orphans != a.series { // gauges are gone, and nobody has the others
			t.Errorf("%d of %d series are taken for somebody's", a.series-a.orphans, a.series)
		}
		_ = tell(a, "app-2.2", string(second))
		alone := 0
		for _, f := range a.families {
			for _, s := range f.series {
				if len(s.live) == 0 {
					alone++
				}
			}
		}
		if a.orphans != alone {
			t.Errorf("%d series are nobody's, %d are taken for that", alone, a.orphans)
		}
		for series, shown := range before {
			if !strings.Contains(shown, "gauge:") && after[series] != shown {
				t.Errorf("%s: %s became %q", series, shown, after[series])
			}
		}
	})
}

// gather returns what a scrape would, by name and labels.
func gather(t *testing.T, registry *prometheus.Registry) map[string]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			out[fmt.Sprint(f.GetName(), m.GetLabel())] = m.String()
		}
	}
	return out
}
