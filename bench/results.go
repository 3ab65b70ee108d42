package main

import (
	"fmt"
	"strings"
)

// baseline is what the ratios are taken against, unless the scenario names another.
const baseline = "haproxy"

// results of one scenario: per peer, one turn per round.
type results struct {
	scenario scenario
	entered  map[string]bool // the peers that are to be measured
	order    []string        // those that were
	turns    map[string]map[int]turn
	failed   map[string]bool // those of which something failed
	failures []string
	private  string // the run's folder, which has no place in a report
	note     string // what the table needs said
}

func newResults(s scenario, private string) *results {
	return &results{scenario: s, entered: make(map[string]bool), failed: make(map[string]bool), turns: make(map[string]map[int]turn), private: private}
}

func (r *results) fail(name string, err error) {
	r.failed[name] = true
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

// ratios are what f finds for a peer over what it finds for another, each of the same round.
func (r *results) ratios(name, other string, f measure) spread {
	var s spread
	for round, t := range r.turns[name] {
		base, ok := r.turns[other][round]
		if !ok {
			continue
		}
		mine, err := f(t)
		theirs, baseErr := f(base)
		if err == nil && baseErr == nil && theirs > 0 {
			s = append(s, mine/theirs)
		}
	}
	return s
}

// each is what f finds for a peer, round by round.
func (r *results) each(name string, f measure) spread {
	var s spread
	for _, t := range r.turns[name] {
		if v, err := f(t); err == nil {
			s = append(s, v)
		}
	}
	return s
}

// verdicts judges drover, as far as it and those it is compared with take part.
func (r *results) verdicts() []verdict {
	var all []verdict
	for _, g := range r.scenario.goals {
		if !r.entered["drover"] || g.against != "" && !r.entered[g.against] {
			continue
		}
		s := g.got(r, "drover")
		all = append(all, verdict{scenario: r.scenario.name, goal: g, value: g.sum(s), measured: len(s) > 0, failed: r.failed["drover"]})
	}
	return all
}

// table prints the scenario in Markdown.
func (r *results) table() string {
	return r.title() + r.head("") + r.rows("") + r.rest()
}

// title is heading and description.
func (r *results) title() string {
	s := r.scenario
	title := fmt.Sprintf("\n## %s\n\n%s", s.name, strings.ToUpper(s.about[:1])+s.about[1:])
	if s.rounds > 0 {
		title += fmt.Sprintf("; turns: at most %d", s.rounds)
	}
	var goals []string
	for _, g := range s.goals {
		goals = append(goals, g.String())
	}
	if goals != nil {
		title += "; goal: " + strings.Join(goals, ", ")
	}
	return title + "\n"
}

// head begins the table; first names columns before the others, each ended by a bar.
func (r *results) head(first string) string {
	titles := []string{r.scenario.kind(), "× " + r.scenario.rival() + ": median", "min", "max", r.scenario.unit + ": median", "min", "max"}
	for _, c := range r.scenario.columns {
		titles = append(titles, c.title)
	}
	return fmt.Sprintf("\n|%s %s |\n|%s\n", first, strings.Join(titles, " | "), strings.Repeat("---|", len(titles)+strings.Count(first, "|")))
}

// rows are the lines of the peers; first is in the cells before the others.
func (r *results) rows(first string) string {
	var b strings.Builder
	s := r.scenario
	for _, name := range r.order {
		cost, ratio := r.each(name, s.cost), r.ratios(name, s.baseline(), s.cost)
		cells := []string{name,
			ratio.text(ratio.median), ratio.text(ratio.min), ratio.text(ratio.max),
			cost.text(cost.median), cost.text(cost.min), cost.text(cost.max)}
		for _, c := range s.columns {
			cells = append(cells, c.text(r, name))
		}
		fmt.Fprintf(&b, "|%s %s |\n", first, strings.Join(cells, " | "))
	}
	return b.String()
}

// rest is what stands below the table.
func (r *results) rest() string {
	var b strings.Builder
	if r.note != "" {
		fmt.Fprintf(&b, "\n%s\n", r.note)
	}
	for _, f := range r.failures {
		fmt.Fprintf(&b, "\nNot measured: %s\n", f)
	}
	return b.String()
}
