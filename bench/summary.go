package main

import (
	"fmt"
	"strings"
)

// summary prints how drover stands to its goals: a line for each, a column for each run.
func summary(runs [][]verdict) string {
	type key struct{ scenario, of string }
	var order []key
	lines := make(map[key][]verdict) // per run; the zero verdict where it was not measured
	for i, run := range runs {
		for _, v := range run {
			k := key{v.scenario, v.goal.of}
			if lines[k] == nil {
				order = append(order, k)
				lines[k] = make([]verdict, len(runs))
			}
			lines[k][i] = v
		}
	}
	if order == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n## Goals\n\n| scenario | drover's | at most |")
	for i := range runs {
		fmt.Fprintf(&b, " run %d |", i+1)
	}
	b.WriteString(" met |\n|---|---|" + strings.Repeat("---|", len(runs)) + "---|\n")
	for _, k := range order {
		met := 0
		var g goal
		var cells string
		for _, v := range lines[k] {
			if v.met() {
				met++
			}
			if v.goal.of != "" {
				g = v.goal
			}
			cells += fmt.Sprintf(" %s |", v)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |%s %d of %d |\n", k.scenario, g.of, g.limit(), cells, met, len(runs))
	}
	return b.String()
}
