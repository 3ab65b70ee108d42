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
	if o.output == "" && !o.quick {
		o.output = filepath.Join("bench", "results", time.Now().UTC().Format("2006-01-02-1504")+".md")
	}
	title := fmt.Sprintf("# drover bench, %s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	lab, err := newLab(ctx, o)
	if err != nil {
		return err
	}
	defer lab.close()
	title += lab.describe(o)
	fmt.Print(title)

	var tables, failed []string
	var verdicts [][]verdict
	for n := range o.repeat {
		if o.repeat > 1 {
			tables = append(tables, fmt.Sprintf("\n# Run %d\n", n+1))
			fmt.Print(tables[len(tables)-1])
		}
		verdicts = append(verdicts, nil)
		for _, s := range chosen {
			got, err := lab.measure(ctx, s)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				failed = append(failed, fmt.Sprintf("%s: %v", s.name, err))
				if got.table == "" {
					got = outcome{table: fmt.Sprintf("\n## %s\n\nNot measured: %v\n", s.name, err), verdicts: lab.missed(s)}
				}
			}
			fmt.Print(got.table)
			tables = append(tables, got.table)
			verdicts[n] = append(verdicts[n], got.verdicts...)
		}
		// After each run: what there is stays, should the next one be interrupted.
		if err := save(o.output, title+summary(verdicts)+strings.Join(tables, "")); err != nil {
			return err
		}
	}
	fmt.Print(summary(verdicts))
	if failed != nil {
		return fmt.Errorf("not everything could be measured:\n  %s", strings.Join(failed, "\n  "))
	}
	return nil
}

func save(path, report string) error {
	if path == "" || path == "-" {
		return nil
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
