package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestResults_RatiosAreTakenWithinARound(t *testing.T) {
	r := newResults(scenario{name: "tcp", about: "small", unit: "µs", cost: perRequest, columns: []column{p99Column, p99Against}, goals: []goal{cpuGoal(0.95, perRequest)}}, "/private")
	took := func(us int) turn {
		return turn{cpu: cpuTime{user: time.Duration(us) * time.Microsecond}, requests: 1, elapsed: time.Second, p99: time.Duration(us) * time.Millisecond}
	}
	// The machine was twice as slow in the second round: the ratio is the same.
	r.add("haproxy", 0, took(10), nil)
	r.add("drover", 0, took(8), nil)
	r.add("haproxy", 1, took(20), nil)
	r.add("drover", 1, took(16), nil)
	r.add("drover", 2, turn{}, errors.New("gone from /private/x"))
	r.add("nginx", 0, turn{}, nil)
	if got := r.ratios("drover", baseline, perRequest); len(got) != 2 || got[0] != 0.8 || got[1] != 0.8 {
		t.Errorf("ratios %v; want 0.8 twice", got)
	}
	table := r.table()
	for _, want := range []string{"| drover | 0.80 | 0.80 | 0.80 | 12.0 | 8.00 | 16.0 | 12.0 ms | 0.80 |", "goal: CPU × haproxy ≤ 0.95",
		"Not measured: drover: round 3: gone from DIR/x", "Not measured: nginx: round 1: nothing was served"} {
		if !strings.Contains(table, want) {
			t.Errorf("table lacks %q:\n%s", want, table)
		}
	}
	if r.err() == nil {
		t.Error("a failed turn is not reported")
	}
}

func TestResults_TableHasAsManyCellsInEachLine(t *testing.T) {
	for _, s := range scenarios() {
		if s.measure != nil && s.turn == nil {
			continue
		}
		r := newResults(s, "/private")
		r.add("drover", 0, turn{cpu: cpuTime{user: time.Second}, requests: 1, elapsed: time.Second, bytes: 1 << 30, p99: time.Second, rss: 1 << 20, connections: 1}, nil)
		for _, first := range []string{"", " strategy |"} {
			var bars []int
			for line := range strings.Lines(r.head(first) + r.rows(first)) {
				if line != "\n" {
					bars = append(bars, strings.Count(line, "|"))
				}
			}
			if len(bars) != 3 || bars[0] != bars[1] || bars[1] != bars[2] {
				t.Errorf("%s: lines with %v bars:\n%s%s", s.name, bars, r.head(first), r.rows(first))
			}
		}
	}
}

func TestChoose_KeepsOrderAndNamesWhatIsUnknown(t *testing.T) {
	got, err := choose(scenarios(), []string{"idle", "tcp"})
	if err != nil || len(got) != 2 || got[0].name != "tcp" || got[1].name != "idle" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose(scenarios(), []string{"tpc"}); err == nil || !strings.Contains(err.Error(), `"tpc"`) {
		t.Errorf("error %v does not name the scenario", err)
	}
}

func TestParse_QuickIsShort(t *testing.T) {
	o, err := parse([]string{"-quick"})
	if err != nil || o.rounds != 1 || o.turn != time.Second || o.peers != "haproxy,drover" {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, flag := range []string{"-rounds", "-repeat"} {
		if _, err := parse([]string{flag, "0"}); err == nil {
			t.Errorf("%s 0 was accepted", flag)
		}
	}
}
