package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// baseline is what the ratios are taken against.
const baseline = "haproxy"

// results of one scenario: per peer, one turn per round.
type results struct {
	scenario scenario
	order    []string
	turns    map[string]map[int]turn
	failures []string
	private  string // the run's folder, which has no place in a report
}

func newResults(s scenario, private string) *results {
	return &results{scenario: s, turns: make(map[string]map[int]turn), private: private}
}

func (r *results) fail(name string, err error) {
	r.failures = append(r.failures, strings.ReplaceAll(fmt.Sprintf("%s: %v", name, err), r.private, "DIR"))
}

func (r *results) add(name string, round int, t turn, err error) {
	if err == nil {
		_, err = r.scenario.cost(t)
	}
	if err != nil {
		r.fail(name, fmt.Errorf("round %d: %w", round+1, err))
		return
	}
	if r.turns[name] == nil {
		r.turns[name] = make(map[int]turn)
		r.order = append(r.order, name)
	}
	r.turns[name][round] = t
}

func (r *results) err() error {
	if r.failures == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(r.failures, "; "))
}

// ratios are a peer's costs over the baseline's, each of the same round, and over an empty baseline none.
func (r *results) ratios(name string) spread {
	var s spread
	for round, t := range r.turns[name] {
		base, ok := r.turns[baseline][round]
		if !ok {
			continue
		}
		mine, err := r.scenario.cost(t)
		theirs, baseErr := r.scenario.cost(base)
		if err == nil && baseErr == nil && theirs > 0 {
			s = append(s, mine/theirs)
		}
	}
	return s
}

func (r *results) each(name string, f func(turn) float64) spread {
	var s spread
	for _, t := range r.turns[name] {
		s = append(s, f(t))
	}
	return s
}

// table prints the scenario in Markdown.
func (r *results) table() string {
	var b strings.Builder
	s := r.scenario
	fmt.Fprintf(&b, "\n## %s\n\n%s", s.name, strings.ToUpper(s.about[:1])+s.about[1:])
	if s.goal > 0 {
		fmt.Fprintf(&b, "; goal %.2f ×", s.goal)
	}
	fmt.Fprintf(&b, "\n\n| proxy | × HAProxy: median | min | max | %s: median | min | max | user | requests/s | p99 | RSS |\n", s.unit)
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range r.order {
		cost := r.each(name, func(t turn) float64 { c, _ := s.cost(t); return c }) // add refused turns without a cost
		ratio := r.ratios(name)
		user := r.each(name, func(t turn) float64 {
			return float64(t.cpu.user) / float64(max(t.cpu.total(), 1))
		})
		rate := r.each(name, turn.perSecond)
		p99 := r.each(name, func(t turn) float64 { return float64(t.p99) / float64(time.Millisecond) })
		memory := r.each(name, func(t turn) float64 { return float64(t.rss) / (1 << 20) })
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %.0f%% | %.0f | %s | %.0f MB |\n", name,
			ratio.text(ratio.median), ratio.text(ratio.min), ratio.text(ratio.max),
			cost.text(cost.median), cost.text(cost.min), cost.text(cost.max),
			user.median()*100, rate.median(), milliseconds(p99.median()), memory.max())
	}
	for _, f := range r.failures {
		fmt.Fprintf(&b, "\nNot measured: %s\n", f)
	}
	return b.String()
}

// milliseconds prints a dash for what a scenario does not measure.
func milliseconds(v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f ms", v)
}

// spread is a set of measurements.
type spread []float64

func (s spread) min() float64 { return s.at(0) }

func (s spread) max() float64 { return s.at(1) }

func (s spread) median() float64 { return s.at(0.5) }

// at returns the value at a quantile from 0 to 1, interpolated; 0 of nothing.
func (s spread) at(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	position := q * float64(len(sorted)-1)
	low := int(position)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(position-float64(low))
}

// text prints a number with three digits, or a dash when nothing was measured.
func (s spread) text(of func() float64) string {
	if len(s) == 0 {
		return "–"
	}
	v := of()
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
