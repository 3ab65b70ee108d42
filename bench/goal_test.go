package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestVerdicts_JudgeTheMedianOfRatiosAndTheHighestOfBounds(t *testing.T) {
	s := scenario{name: "64k", cost: perRequest, goals: []goal{cpuGoal(0.9, perRequest), rssGoal(), p99Goal(), ratioGoal("CPU", "caddy", 0.25, perRequest)}}
	r := newResults(s, "")
	r.entered["haproxy"], r.entered["drover"] = true, true // and no Caddy
	for round, us := range []int{5, 9, 20} {
		r.add("haproxy", round, turn{cpu: cpuTime{user: 10 * time.Microsecond}, requests: 1, rss: 1 << 20}, nil)
		r.add("drover", round, turn{cpu: cpuTime{user: time.Duration(us) * time.Microsecond}, requests: 1, rss: int64(us) << 22}, nil)
	}
	var got []string
	for _, v := range r.verdicts() {
		got = append(got, v.goal.of+" "+v.String())
	}
	if text := strings.Join(got, ", "); text != "CPU × haproxy 0.9 ✓, RSS 80 ✗, p99 × haproxy – ✗" {
		t.Errorf("got %s", text)
	}
}

func TestVerdicts_NoneWithoutDrover(t *testing.T) {
	r := newResults(scenario{cost: perRequest, goals: []goal{cpuGoal(0.9, perRequest)}}, "")
	r.entered["haproxy"] = true
	if got := r.verdicts(); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestVerdicts_AFailedTurnMissesTheGoal(t *testing.T) {
	r := newResults(scenario{name: "tcp", cost: perRequest, goals: []goal{rssGoal()}}, "")
	r.entered["drover"] = true
	good := turn{cpu: cpuTime{user: time.Second}, requests: 1, rss: 1 << 20}
	r.add("drover", 0, good, nil)
	r.add("drover", 1, turn{}, errors.New("3 answers were not 2xx"))
	if got := r.verdicts(); len(got) != 1 || got[0].met() || got[0].String() != "1, with failures ✗" {
		t.Errorf("got %v", got)
	}
}

func TestMissed_NamesTheGoalsOfThoseThatTakePart(t *testing.T) {
	s := scenario{name: "tcp", goals: []goal{p99Goal(), ratioGoal("CPU", "caddy", 0.25, perRequest)}}
	got := (&lab{options: options{peers: "haproxy,drover"}}).missed(s)
	if len(got) != 1 || got[0].met() || got[0].goal.of != "p99 × haproxy" {
		t.Errorf("got %v", got)
	}
	if got := (&lab{options: options{peers: "haproxy,nginx"}}).missed(s); got != nil {
		t.Errorf("without drover: %v", got)
	}
}

func TestVerdict_ANarrowMissDoesNotLookMet(t *testing.T) {
	v := verdict{goal: cpuGoal(0.95, perRequest), value: 0.954, measured: true}
	if v.String() != "0.954 ✗" {
		t.Errorf("got %s", v)
	}
}

func TestSummary_CountsTheRunsThatMetTheGoal(t *testing.T) {
	cpu, memory := cpuGoal(0.95, perRequest), rssGoal()
	run := func(cpuRatio, mb float64) []verdict {
		return []verdict{{scenario: "tcp", goal: cpu, value: cpuRatio, measured: true}, {scenario: "memory-up", goal: memory, value: mb, measured: true}}
	}
	got := summary([][]verdict{run(0.9, 64), run(1.25, 63), run(0.95, 64)[:1]})
	for _, want := range []string{
		"| scenario | drover's | at most | run 1 | run 2 | run 3 | met |",
		"| tcp | CPU × haproxy | 0.95 | 0.9 ✓ | 1.25 ✗ | 0.95 ✓ | 2 of 3 |",
		"| memory-up | RSS | 64 MB | 64 ✓ | 63 ✓ | – ✗ | 2 of 3 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if summary([][]verdict{nil}) != "" {
		t.Error("a table of nothing")
	}
}
