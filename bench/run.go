package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// run measures what o asks for and writes the tables.
func run(ctx context.Context, o options) error {
	chosen, err := choose(scenarios(), strings.Split(o.scenarios, ","))
	if err != nil {
		return err
	}
	lab, err := newLab(ctx, o)
	if err != nil {
		return err
	}
	defer lab.close()

	var report strings.Builder
	fmt.Fprintf(&report, "# drover bench, %s\n\n%s\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), lab.describe(o))
	fmt.Print(report.String())
	var failed []string
	for _, s := range chosen {
		table, err := lab.measure(ctx, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Sprintf("%s: %v", s.name, err))
		}
		fmt.Print(table)
		report.WriteString(table)
	}
	if err := save(o, report.String()); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("not everything could be measured:\n  %s", strings.Join(failed, "\n  "))
	}
	return nil
}

func save(o options, report string) error {
	path := o.output
	if path == "-" || path == "" && o.quick {
		return nil
	}
	if path == "" {
		path = filepath.Join("bench", "results", time.Now().UTC().Format("2006-01-02-1504")+".md")
	}
	if err := os.WriteFile(path, []byte(report), 0o644); err != nil {
		return fmt.Errorf("keep the results: %w; run bench from the repository's root or name a file with -output", err)
	}
	fmt.Println("\nwritten to", path)
	return nil
}

// choose picks the scenarios with these names, in their own order.
func choose(all []scenario, names []string) ([]scenario, error) {
	if len(names) == 1 && names[0] == "all" {
		return all, nil
	}
	wanted := make(map[string]bool)
	for _, name := range names {
		wanted[name] = true
	}
	var chosen []scenario
	for _, s := range all {
		if wanted[s.name] {
			chosen = append(chosen, s)
			delete(wanted, s.name)
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(scenarioNames(), ", "))
	}
	return chosen, nil
}
