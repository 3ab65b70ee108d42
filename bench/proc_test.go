package main

import (
	"testing"
	"time"
)

func TestParseStat_TakesNamesWithSpacesAndParentheses(t *testing.T) {
	raw := "4711 (a (strange) name) S 42 4711 4711 0 -1 4194304 100 0 0 0 250 175 0 0 20 0 1 0 100 0 0"
	got, err := parseStat([]byte(raw))
	want := stat{parent: 42, cpu: cpuTime{user: 2500 * time.Millisecond, system: 1750 * time.Millisecond}}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestParseStat_RefusesRubbish(t *testing.T) {
	if got, err := parseStat([]byte("4711 (sh) S 1")); err == nil {
		t.Errorf("accepted as %+v", got)
	}
}

func TestParsePeakRSS_FindsTheHighWaterMark(t *testing.T) {
	got, err := parsePeakRSS("Name:\tdrover\nVmPeak:\t 1300000 kB\nVmHWM:\t   48128 kB\nVmRSS:\t   30000 kB\n")
	if err != nil || got != 47<<20 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := parsePeakRSS("Name:\tkthreadd\n"); err == nil {
		t.Errorf("found %d in nothing", got)
	}
}
