package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/event"
)

// stage is a drover that top looks at; each look is a second later and has
// served more.
type stage struct {
	seconds int
	changes []change
	fault   error // of a look
	refusal error // of a change
	many    int   // workers in place of two
}

func (s *stage) Look() (look, error) {
	if s.fault != nil {
		return look{}, s.fault
	}
	s.seconds++
	n := uint64(s.seconds)
	app := admin.Pool{PoolSummary: admin.PoolSummary{Name: "app", Health: admin.Degraded, Spawns: true, Wanted: 2, Workers: 2, Ready: 1, Failed: 1,
		UpstreamCount: 2, Available: 1, InFlight: 3, QueueLength: 4, Rolling: "roll-1"}, Upstreams: []admin.Upstream{
		{ID: "app-1.1", Worker: true, Health: "healthy", Requests: 900 * n, ErrorRate: 0.1, LatencyMS: 2},
		{ID: "app-2.7", Worker: true, Health: "unhealthy", Requests: 5 + 300*n, LatencyMS: 10, Drained: true},
	}}
	db := admin.Pool{PoolSummary: admin.PoolSummary{Name: "db", Health: admin.Healthy, UpstreamCount: 1, Available: 1}, Upstreams: []admin.Upstream{
		{ID: "10.0.0.5:5432", Health: "healthy", InFlight: 1, LatencyMS: 0.25, Maintenance: true},
	}}
	workers := []admin.Worker{
		{ID: "app-1.1", Pool: "app", Slot: 1, Generation: 1, PID: 100, State: "running", Health: "healthy", UptimeSeconds: 3700, CPUPercent: 3.14,
			MemoryBytes: 50 << 20, InFlight: 3, Checks: []admin.Check{{Name: "db", OK: true}, {Name: "disk", Message: "full\n\x1b[31m"}}},
		{ID: "app-2.7", Pool: "app", Slot: 2, Generation: 7, PID: 101, State: "running", Health: "unhealthy", UptimeSeconds: 3, CPUPercent: 99,
			MemoryBytes: 5 << 30, Restarts: 6, LastReason: "crash", Drained: true},
		{ID: "app-3.1", Pool: "app", Slot: 3, Generation: 1, State: "backoff"},
	}
	for i := 4; i <= s.many; i++ {
		workers = append(workers, admin.Worker{ID: fmt.Sprintf("app-%d.1", i), Pool: "app", PID: i, State: "running", Health: "healthy", UptimeSeconds: 1, MemoryBytes: 1 << 20})
	}
	return look{at: time.Date(2026, 3, 1, 12, 0, s.seconds, 0, time.UTC), pools: []admin.Pool{app, db}, workers: workers,
		status: admin.Status{Version: "1.2.3", PID: 4711, UptimeSeconds: 3725, Health: admin.Degraded, Ready: true,
			Reasons: []string{"app: 1 of 2 workers is ready", "app has a failed slot", "c", "d", "e"}}}, nil
}

func (s *stage) Change(c change) error {
	s.changes = append(s.changes, c)
	return s.refusal
}

// play is a top on a stage, two looks on.
func play(t *testing.T, s *stage, width, height int) *topModel {
	t.Helper()
	m := newTopModel(s, time.Second)
	l, err := s.Look()
	if err != nil {
		t.Fatal(err)
	}
	m.take(l)
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	turn(t, m, tickMsg{})
	return m
}

// turn passes on a message and what comes of it, but for the clock.
func turn(t *testing.T, m *topModel, msg tea.Msg) {
	t.Helper()
	for msg != nil {
		_, cmd := m.Update(msg)
		if l, isLook := msg.(lookMsg); cmd == nil || isLook && !l.extra {
			return
		}
		msg = cmd()
		if _, quit := msg.(tea.QuitMsg); quit {
			return
		}
	}
}

// keys presses keys: those with names in angles.
func keys(t *testing.T, m *topModel, text string) {
	t.Helper()
	named := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "tab": tea.KeyTab,
		"backspace": tea.KeyBackspace, "end": tea.KeyEnd, "home": tea.KeyHome, "pgdown": tea.KeyPgDown}
	for text != "" {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(text, "<"), ">"); ok && text[0] == '<' {
			turn(t, m, tea.KeyPressMsg{Code: named[name]})
			text = rest
			continue
		}
		turn(t, m, tea.KeyPressMsg{Code: rune(text[0]), Text: text[:1]})
		text = text[1:]
	}
}

// shown is the screen without colours; every line must fit.
func shown(t *testing.T, m *topModel) string {
	t.Helper()
	text := ansi.Strip(m.View().Content)
	lines := strings.Split(text, "\n")
	if len(lines) != m.height {
		t.Errorf("%d lines on a terminal of %d:\n%s", len(lines), m.height, text)
	}
	for _, l := range lines {
		if ansi.StringWidth(l) > m.width {
			t.Errorf("%q is wider than %d", l, m.width)
		}
	}
	return text + "\n"
}

func TestTop_Shows(t *testing.T) {
	f := func(name string, width, height int, press string) {
		t.Helper()
		m := play(t, &stage{many: 30}, width, height)
		keys(t, m, press)
		golden(t, "top-"+name+".txt", shown(t, m))
	}
	f("wide", 160, 24, "")
	f("80", 80, 24, "<down><down>")
	f("narrow", 40, 16, "")
	f("tiny", 20, 8, "<end>")
	f("help", 80, 24, "?")
	f("sorted", 120, 14, "ssss")
	f("filter", 120, 14, "/CRASH")
	f("scale", 120, 14, "+++")
	f("end", 120, 14, "<end>")
}

func TestTop_OnceIsTheWholeTable(t *testing.T) {
	d := &drover{checks: []admin.Check{{Name: "db", OK: true}}}
	address := d.start(t, event.NewBus(1))
	r := run([]string{"top", "--once", "--interval", "100ms", "--admin", address})
	if r.code != ExitDone || r.errors != "" {
		t.Errorf("status %d, %s", r.code, r.errors)
	}
	golden(t, "top-once.txt", r.out)
}

func TestTop_WithoutATerminalItEnds(t *testing.T) {
	address := (&drover{}).start(t, event.NewBus(1))
	if r := run([]string{"top", "--interval", "100ms", "--admin", address}); r.code != ExitDone || !strings.Contains(r.out, "app-1.1") {
		t.Errorf("status %d, %s%s", r.code, r.out, r.errors)
	}
	if r := run([]string{"top", "--admin", "unix:/nowhere"}); r.code != ExitFailed || !strings.Contains(r.errors, "no drover answers at unix:/nowhere") {
		t.Errorf("without a drover: status %d, %s%s", r.code, r.out, r.errors)
	}
}

func TestTop_ChangesAreAskedAboutFirst(t *testing.T) {
	f := func(press, question string, want ...change) {
		t.Helper()
		s := &stage{}
		m := play(t, s, 100, 20)
		keys(t, m, press)
		if got := ansi.Strip(m.foot()); got != question+" y/n" || len(s.changes) > 0 {
			t.Errorf("%s: the last line is %q, want %q; changed: %v", press, got, question, s.changes)
		}
		keys(t, m, "n")
		if got := ansi.Strip(m.foot()); got != "nothing was changed" || len(s.changes) > 0 {
			t.Errorf("%s n: the last line is %q, changed: %v", press, got, s.changes)
		}
		keys(t, m, press+"y")
		if !slices.Equal(s.changes, want) {
			t.Errorf("%s y: changed %v, want %v", press, s.changes, want)
		}
	}
	f("+", "scale app from 2 to 3 workers?", change{verb: "scale", subject: "app", was: 2, workers: 3})
	f("<home>-", "scale app from 2 to 1 worker?", change{verb: "scale", subject: "app", was: 2, workers: 1})
	f("---+---", "scale app from 2 to 0 workers?", change{verb: "scale", subject: "app", was: 2, workers: 0})
	f("a", "give app the number of workers that the settings or autoscaling say?", change{verb: "auto", subject: "app"})
	f("r", "replace the workers of app one after another?", change{verb: "roll", subject: "app"})
	f("<home><tab>r", "replace the workers of app one after another?", change{verb: "roll", subject: "app"})
	f("<home><tab>R", "replace app-1.1 by its next generation?", change{verb: "restart", subject: "app-1.1", spawned: true})
	f("<home><tab>jd", "drain app-2.7: send it nothing new?", change{verb: "drain", subject: "app-2.7", spawned: true})
	f("<home><tab>u", "let app-1.1 take requests again?", change{verb: "resume", subject: "app-1.1", spawned: true})
	f("<end>d", "drain 10.0.0.5:5432: send it nothing new?", change{verb: "drain", subject: "10.0.0.5:5432"})
}

func TestTop_SaysWhatIsNotPossible(t *testing.T) {
	f := func(press, says string) {
		t.Helper()
		m := play(t, &stage{}, 100, 20)
		keys(t, m, press)
		if got := ansi.Strip(m.foot()); got != says || m.asked != nil {
			t.Errorf("%s: the last line is %q, want %q", press, got, says)
		}
	}
	f("d", "select a worker first, with the arrow keys")
	f("<end>R", "10.0.0.5:5432 is not drover's to restart")
	f("<end>+", "db has no workers of drover's")
	f("<end>a", "db has no workers of drover's")
	f("<end>r", "db has no workers of drover's")
}

func TestTop_ShowsALeak(t *testing.T) {
	f := func(l *admin.Leak, want string) {
		t.Helper()
		shown := workerLine(admin.Worker{ID: "app-1.1", Leak: l})
		g := newGrid(workerColumns, []line{shown}, 0)
		if got := g.head + "\n" + g.rows[0]; strings.Contains(got, "LEAK") != (want != "") || !strings.Contains(got, want) {
			t.Errorf("it shows\n%s\nwant %q", got, want)
		}
	}
	f(nil, "")
	f(&admin.Leak{BytesPerHour: 62914560, SecondsToLimit: 18120, LimitBytes: 536870912}, "+60.0 MB/h, full in 5h2m")
}

func TestTop_APoolOfNoWorkersCanBeScaledOut(t *testing.T) {
	m := newTopModel(&stage{}, time.Second)
	m.take(look{pools: []admin.Pool{{PoolSummary: admin.PoolSummary{Name: "app", Spawns: true}}}})
	keys(t, m, "+")
	if got := ansi.Strip(m.foot()); got != "scale app from 0 to 1 worker? y/n" {
		t.Errorf("the last line is %q", got)
	}
}

func TestTop_SaysHowItWent(t *testing.T) {
	s := &stage{}
	m := play(t, s, 100, 20)
	keys(t, m, "+y")
	if got := m.foot(); got != "app: 3 workers wanted" {
		t.Errorf("done: %q", got)
	}
	for range 11 {
		turn(t, m, tickMsg{})
	}
	if got := m.foot(); !strings.Contains(got, "? help") {
		t.Errorf("after a while: %q", got)
	}
	s.refusal = errors.New("a restart of app is going on\nwait for it")
	keys(t, m, "r<enter>")
	if got := ansi.Strip(m.foot()); got != "a restart of app is going on wait for it" {
		t.Errorf("refused: %q", got)
	}
	s.fault = errors.New("no drover answers")
	turn(t, m, tickMsg{})
	if text := shown(t, m); !strings.Contains(text, "as it was at 12:00:15: no drover answers") || !strings.Contains(text, "app-1.1") {
		t.Errorf("unreachable:\n%s", text)
	}
	s.fault = nil
	turn(t, m, tickMsg{})
	if text := shown(t, m); strings.Contains(text, "as it was") {
		t.Errorf("reachable again:\n%s", text)
	}
}

func TestTop_TheSelectionStaysWithItsLine(t *testing.T) {
	m := play(t, &stage{}, 100, 20)
	keys(t, m, "<tab>")
	for range len(sorts) {
		keys(t, m, "s")
		if m.selected != "app app-1.1" || !strings.Contains(shown(t, m), "> app-1.1") {
			t.Fatalf("sorted: %q is selected\n%s", m.selected, shown(t, m))
		}
	}
	keys(t, m, "/crash<enter>")
	if selected, _ := m.current(); selected == nil || selected.name != "app-2.7" {
		t.Errorf("filtered: %v is selected\n%s", selected, shown(t, m))
	}
	keys(t, m, "<esc>")
	if !strings.Contains(shown(t, m), "app-1.1") {
		t.Errorf("esc shows all:\n%s", shown(t, m))
	}
}

func TestTop_FilterIsTypedAndTakenBack(t *testing.T) {
	m := play(t, &stage{}, 100, 20)
	keys(t, m, "/app-2q+")
	if m.filter != "app-2q+" || m.asked != nil {
		t.Errorf("keys in a filter are text: %q, %v", m.filter, m.asked)
	}
	keys(t, m, "<backspace><backspace>")
	if text := shown(t, m); !strings.Contains(text, "app-2.7") || strings.Contains(text, "app-1.1") {
		t.Errorf("filtered:\n%s", text)
	}
	keys(t, m, "<backspace><backspace><backspace><backspace><backspace><backspace><enter>")
	if m.filter != "" || m.typing {
		t.Errorf("the filter is %q", m.filter)
	}
}

func TestTop_RatesAreDifferences(t *testing.T) {
	at := time.Now()
	see := func(pid int, after time.Duration, requests ...uint64) *look {
		l := &look{at: at.Add(after), status: admin.Status{PID: pid}, pools: []admin.Pool{{PoolSummary: admin.PoolSummary{Name: "a"}}}}
		for i, n := range requests {
			l.pools[0].Upstreams = append(l.pools[0].Upstreams, admin.Upstream{ID: fmt.Sprint(i), Requests: n, LatencyMS: float64(i + 1), ErrorRate: 0.1})
		}
		return l
	}
	f := func(before, now *look, want string) {
		t.Helper()
		pools, upstreams := lines(before, now)
		got := pools[0].rateText()
		for _, u := range upstreams {
			got += " " + u.rateText()
		}
		if got != want {
			t.Errorf("rates are %s, want %s", got, want)
		}
	}
	f(nil, see(1, 0, 10, 10), "- - -")
	f(see(1, 0, 10, 10), see(1, time.Second, 10, 30), "20.0 0.0 20.0")
	f(see(1, 0, 10), see(1, 2*time.Second, 20, 30), "20.0 5.0 15.0")   // one is new
	f(see(1, 0, 10, 50), see(1, time.Second, 20, 30), "10.0 10.0 0.0") // one began anew under its name
	f(see(1, 0, 10, 50), see(2, time.Second, 20, 30), "- - -")         // another drover
	f(see(1, 0, 10, 50), see(1, time.Second, 10, 50), "0.0 0.0 0.0")   // idle
	pools, _ := lines(see(1, 0, 0, 0), see(1, time.Second, 30, 10))
	if pools[0].latency != 1.25 || pools[0].errors != 0.1 {
		t.Errorf("latency %v, want 1.25: the mean of requests; errors %v, want 0.1", pools[0].latency, pools[0].errors)
	}
}

func TestTop_LeavesAndShowsHelp(t *testing.T) {
	f := func(press string, quits bool) {
		t.Helper()
		m := play(t, &stage{}, 100, 24)
		if press == "ctrl+c" {
			if cmd := m.press(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}); cmd == nil {
				t.Error("ctrl+c does not leave")
			}
			return
		}
		var last tea.Cmd
		for _, r := range press {
			last = m.press(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
		if (last != nil) != quits {
			t.Errorf("%s: quits %v", press, last != nil)
		}
	}
	f("q", true)
	f("?q", true)
	f("?x", false)
	f("/q", false)
	f("rq", false)
	f("ctrl+c", true)
}

func TestTop_ColoursStatesNotNames(t *testing.T) {
	f := func(row, want string, words ...string) {
		t.Helper()
		if got := paint(row, words...); got != want {
			t.Errorf("%q is painted %q, want %q", row, got, want)
		}
	}
	f("healthy-1.1  running  healthy, drained", "healthy-1.1  running  \x1b[32mhealthy\x1b[39m, \x1b[33mdrained\x1b[39m", "healthy", "running", "drained")
	f("failed  running  unhealthy", "failed  running  \x1b[31munhealthy\x1b[39m", "unhealthy", "running", "")
	f("a  running  unhealthy", "a  running  unhealthy", "healthy") // cut off, or not there
}
