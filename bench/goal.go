package main

import (
	"fmt"
	"strings"
)

// goal is what is promised of drover in a scenario.
type goal struct {
	of      string // what is measured, as in "CPU × haproxy"
	against string // the proxy that it is compared with, if any
	most    float64
	unit    string // none of a ratio
	got     func(r *results, name string) spread
	sum     func(spread) float64 // what of the rounds counts
}

// ratioGoal bounds a measure by that of another proxy in the same round; the median counts.
func ratioGoal(of, against string, most float64, f measure) goal {
	return goal{of: of + " × " + against, against: against, most: most, sum: spread.median,
		got: func(r *results, name string) spread { return r.ratios(name, against, f) }}
}

// bound is what a measure may be at most, whatever others need; the highest of the rounds counts.
func bound(of, unit string, most float64, f measure) goal {
	return goal{of: of, most: most, unit: unit, sum: spread.max,
		got: func(r *results, name string) spread { return r.each(name, f) }}
}

func cpuGoal(most float64, f measure) goal { return ratioGoal("CPU", baseline, most, f) }

func p99Goal() goal { return ratioGoal("p99", baseline, 1, p99) }

func rssGoal() goal { return bound("RSS", "MB", 64, megabytes) }

func (g goal) String() string { return g.of + " ≤ " + g.limit() }

func (g goal) limit() string { return strings.TrimSpace(number3(g.most) + " " + g.unit) }

// verdict is how drover stands to one goal in one run.
type verdict struct {
	scenario string
	goal     goal
	value    float64
	measured bool
	failed   bool // not each of its turns succeeded
}

func (v verdict) met() bool { return v.measured && !v.failed && v.value <= v.goal.most }

func (v verdict) String() string {
	switch {
	case !v.measured:
		return "– ✗"
	case v.failed:
		return number3(v.value) + ", with failures ✗"
	case v.met():
		return number3(v.value) + " ✓"
	}
	return number3(v.value) + " ✗"
}

// missed are the verdicts on a scenario that could not be measured at all.
func (l *lab) missed(s scenario) []verdict {
	var all []verdict
	for _, g := range s.allGoals() {
		if l.measuring("drover") && (g.against == "" || g.against == s.against || l.measuring(g.against)) {
			all = append(all, verdict{scenario: s.name, goal: g})
		}
	}
	return all
}

// number3 prints three digits, so that what misses a goal narrowly does not look as if it met it.
func number3(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
