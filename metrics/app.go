package metrics

import (
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of what workers report.
const (
	mostSamples = 1000    // of one worker
	mostSeries  = 100_000 // of all
	mostEnded   = 8       // generations of a slot whose late words are known to be late
)

// App is the numbers that workers report of themselves. It is a collector: what
// it exposes are the workers' own names, with the label worker, a slot.
//
// Each worker counts from its own beginning. What the generations of a slot have
// counted is added up, so that counters and histograms go on where the last one
// ended; gauges are those of the workers that are there.
type App struct {
	refused *prometheus.CounterVec

	mu       sync.Mutex
	families map[string]*family
	claims   map[string]*family // by each name that a line of /metrics may have
	workers  map[string]*reporter
	ended    map[string][]string // the last generations of a slot that are gone
	series   int
	orphans  int // series that were counted by workers of whom none is left
}

// reporter is a worker that is there.
type reporter struct {
	slot, pool string
	held       map[*series]struct{}
	told       bool // that something is not taken
}

func newApp() *App {
	return &App{
		refused:  counterVec("worker_samples_refused_total", "Metrics of workers that were not taken, by why.", "pool", "reason"),
		families: map[string]*family{}, claims: map[string]*family{}, workers: map[string]*reporter{}, ended: map[string][]string{},
	}
}

// App returns where workers report numbers of their own.
func (m *Metrics) App() *App { return m.app }

// Report takes the numbers of a worker, whose id is worker and whose slot is
// slot (app-3): a JSON array as in docs/ipc-protocol.md, under Numbers. What
// cannot be taken is counted and left out; the error says what it was the
// first time that this happens to the worker, and is nil later.
func (a *App) Report(worker, slot, pool string, frame []byte) error {
	reports, faults := readReports(frame)
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Contains(a.ended[slot], worker) {
		return nil // its last words came after its end
	}
	w := a.workers[worker]
	if w == nil {
		w = &reporter{slot: slot, pool: pool, held: map[*series]struct{}{}}
		a.workers[worker] = w
	}
	for _, r := range reports {
		faults = append(faults, a.takeLocked(worker, w, r)...)
	}
	for _, f := range faults {
		a.refused.WithLabelValues(pool, f.reason).Inc()
	}
	if len(faults) == 0 || w.told {
		return nil
	}
	w.told = true
	return fmt.Errorf("metrics of worker %s: %s; more of this kind is only counted", worker, faults[0].text)
}

// Gone ends what a worker reported: its gauges go, what it counted stays.
func (a *App) Gone(worker string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.workers[worker]
	if w == nil {
		return
	}
	delete(a.workers, worker)
	for s := range w.held {
		s.end(worker)
		switch {
		case len(s.live) > 0:
		case s.family.kind == gaugeKind:
			a.dropLocked(s)
		default:
			a.orphans++
		}
	}
	ended := append(a.ended[w.slot], worker)
	a.ended[w.slot] = ended[max(len(ended)-mostEnded, 0):]
}

// takeLocked takes what one report has and returns what it could not take.
func (a *App) takeLocked(worker string, w *reporter, r report) (faults []refusal) {
	f, fault := a.familyLocked(r)
	if fault != nil {
		return []refusal{*fault}
	}
	f.help = r.Help
	for _, sample := range r.Samples {
		t, labels, fault := r.read(sample)
		if fault == nil {
			fault = a.sampleLocked(worker, w, f, labels, t)
		}
		if fault != nil {
			faults = append(faults, *fault)
		}
	}
	if len(f.series) == 0 {
		a.removeLocked(f)
	}
	return faults
}

// familyLocked returns the family of a report. One that has nobody any more
// makes room for one of another type.
func (a *App) familyLocked(r report) (*family, *refusal) {
	if f := a.families[r.Name]; f != nil && f.kind == r.kind {
		return f, nil
	}
	for _, name := range r.kind.names(r.Name) {
		if rival := a.claims[name]; rival != nil && rival.alive() {
			return nil, &refusal{"conflict", fmt.Sprintf("%s, a %s, does not go with %s, a %s of workers that are there", r.Name, r.kind, rival.name, rival.kind)}
		}
	}
	f := &family{name: r.Name, kind: r.kind, series: map[string]*series{}}
	for _, name := range r.kind.names(r.Name) {
		if rival := a.claims[name]; rival != nil {
			a.removeLocked(rival)
		}
	}
	for _, name := range r.kind.names(r.Name) {
		a.claims[name] = f
	}
	a.families[r.Name] = f
	return f, nil
}

func (a *App) sampleLocked(worker string, w *reporter, f *family, labels []label, t total) *refusal {
	key := seriesKey(w.slot, labels)
	s := f.series[key]
	if s != nil {
		if _, held := w.held[s]; held {
			s.see(worker, t)
			return nil
		}
	}
	if len(w.held) >= mostSamples {
		return &refusal{"too-many", fmt.Sprintf("%s: a worker may have %d samples", f.name, mostSamples)}
	}
	if s == nil {
		if a.series >= mostSeries && !a.makeRoomLocked(f) {
			return &refusal{"too-many", fmt.Sprintf("%s: all workers together may have %d samples", f.name, mostSeries)}
		}
		s = newSeries(f, w.slot, labels)
		f.series[key] = s
		a.series++
	} else if len(s.live) == 0 {
		a.orphans--
	}
	w.held[s] = struct{}{}
	s.see(worker, t)
	return nil
}

// makeRoomLocked forgets what workers have counted of whom no one is left. It looks for
// that only where there is some: each sample that there is no room for asks for it. The
// family that wants the room stays, also when nothing is left of it at first.
func (a *App) makeRoomLocked(wants *family) bool {
	if a.orphans == 0 {
		return false
	}
	a.orphans = 0
	for _, f := range a.families {
		for _, s := range f.series {
			if len(s.live) == 0 {
				delete(f.series, s.key)
				a.series--
			}
		}
		if len(f.series) == 0 && f != wants {
			a.removeLocked(f)
		}
	}
	return a.series < mostSeries
}

func (a *App) dropLocked(s *series) {
	f := s.family
	delete(f.series, s.key)
	a.series--
	if len(f.series) == 0 {
		a.removeLocked(f)
	}
}

// removeLocked removes a family of which nobody is left that has something of it.
func (a *App) removeLocked(f *family) {
	a.series -= len(f.series)
	a.orphans -= len(f.series)
	f.series = map[string]*series{}
	delete(a.families, f.name)
	for _, name := range f.kind.names(f.name) {
		if a.claims[name] == f {
			delete(a.claims, name)
		}
	}
}

// Describe lists nothing: what there is is up to the workers.
func (a *App) Describe(chan<- *prometheus.Desc) {}

// Collect exposes the numbers.
func (a *App) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.families {
		for _, s := range f.series {
			ch <- s.metric()
		}
	}
}
