package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// picked is one line of the benchmark.
type picked struct {
	strategy    string
	upstreams   int
	nanoseconds float64
	allocations float64
}

// pickSizes are the numbers of upstreams; the goals are for the last.
var pickSizes = []int{10, 100, 1000}

var (
	pickTime        = goal{of: "slowest strategy at 1,000", most: 100, unit: "ns"}
	pickAllocations = goal{of: "allocations", most: 0, unit: "per choice"}
)

// measurePick runs the benchmark of package strategy on the core of the proxies.
func measurePick(l *lab, ctx context.Context, s scenario) (outcome, error) {
	r := newResults(s, l.dir)
	if !l.measuring("drover") {
		return outcome{}, nil
	}
	binary := filepath.Join(l.built, "pick")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./strategy").CombinedOutput(); err != nil {
		return outcome{}, fmt.Errorf("build the benchmark: %w\n%s", err, out)
	}
	benchtime := "0.2s"
	if l.options.quick {
		benchtime = "100x"
	}
	name, args := l.pinned(proxyCore, binary, []string{"-test.run", "^$", "-test.bench", "^BenchmarkPick$/./^(10|100|1000)$", "-test.benchtime", benchtime})
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return outcome{}, fmt.Errorf("benchmark: %w\n%s", err, out)
	}
	lines, err := parsePicks(string(out))
	if err != nil {
		return outcome{}, err
	}
	return outcome{table: r.title() + pickTable(lines), verdicts: pickVerdicts(s, lines)}, nil
}

var pickLine = regexp.MustCompile(`(?m)^BenchmarkPick/([a-z-]+)/(\d+)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op\s+\d+ B/op\s+(\d+) allocs/op$`)

func parsePicks(out string) ([]picked, error) {
	var lines []picked
	for _, m := range pickLine.FindAllStringSubmatch(out, -1) {
		upstreams, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, fmt.Errorf("benchmark's line %q: %w", m[0], err)
		}
		lines = append(lines, picked{m[1], upstreams, number(m[3]), number(m[4])})
	}
	if lines == nil {
		return nil, fmt.Errorf("the benchmark's report is not understood:\n%s", out)
	}
	return lines, nil
}

func pickTable(lines []picked) string {
	var b strings.Builder
	b.WriteString("\n| strategy |")
	for _, n := range pickSizes {
		fmt.Fprintf(&b, " ns at %d |", n)
	}
	b.WriteString(" allocations |\n|---|" + strings.Repeat("---|", len(pickSizes)+1) + "\n")
	byStrategy := make(map[string][]picked)
	var order []string
	for _, p := range lines {
		if byStrategy[p.strategy] == nil {
			order = append(order, p.strategy)
		}
		byStrategy[p.strategy] = append(byStrategy[p.strategy], p)
	}
	for _, name := range order {
		fmt.Fprintf(&b, "| %s |", name)
		most := 0.0
		for _, n := range pickSizes {
			i := slices.IndexFunc(byStrategy[name], func(p picked) bool { return p.upstreams == n })
			if i < 0 {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %.1f |", byStrategy[name][i].nanoseconds)
			most = max(most, byStrategy[name][i].allocations)
		}
		fmt.Fprintf(&b, " %.0f |\n", most)
	}
	return b.String()
}

func pickVerdicts(s scenario, lines []picked) []verdict {
	slowest := verdict{scenario: s.name, goal: pickTime}
	allocated := verdict{scenario: s.name, goal: pickAllocations}
	for _, p := range lines {
		if p.upstreams == pickSizes[len(pickSizes)-1] {
			slowest.value, slowest.measured = max(slowest.value, p.nanoseconds), true
		}
		allocated.value, allocated.measured = max(allocated.value, p.allocations), true
	}
	return []verdict{slowest, allocated}
}
