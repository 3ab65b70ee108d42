package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSpread_Interpolates(t *testing.T) {
	f := func(s spread, lowest, median, highest float64) {
		t.Helper()
		if s.min() != lowest || s.median() != median || s.max() != highest {
			t.Errorf("%v: got %v %v %v; want %v %v %v", s, s.min(), s.median(), s.max(), lowest, median, highest)
		}
	}
	f(nil, 0, 0, 0)
	f(spread{3}, 3, 3, 3)
	f(spread{4, 1}, 1, 2.5, 4)
	f(spread{9, 1, 2}, 1, 2, 9)
}

func TestResults_RatiosAreTakenWithinARound(t *testing.T) {
	r := newResults(scenario{name: "tcp", about: "small", unit: "µs", cost: perRequest, goal: 0.95}, "/private")
	cost := func(us int) turn {
		return turn{cpu: cpuTime{user: time.Duration(us) * time.Microsecond}, requests: 1, elapsed: time.Second}
	}
	// The machine was twice as slow in the second round: the ratio is the same.
	r.add("haproxy", 0, cost(10), nil)
	r.add("drover", 0, cost(8), nil)
	r.add("haproxy", 1, cost(20), nil)
	r.add("drover", 1, cost(16), nil)
	r.add("drover", 2, turn{}, errors.New("gone from /private/x"))
	if got := r.ratios("drover"); len(got) != 2 || got[0] != 0.8 || got[1] != 0.8 {
		t.Errorf("ratios %v; want 0.8 twice", got)
	}
	table := r.table()
	for _, want := range []string{"| drover | 0.80 | 0.80 | 0.80 | 12.0 |", "goal 0.95 ×", "Not measured: drover: round 3: gone from DIR/x"} {
		if !strings.Contains(table, want) {
			t.Errorf("table lacks %q:\n%s", want, table)
		}
	}
	if r.err() == nil {
		t.Error("a failed turn is not reported")
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

func TestPeers_SettingsRender(t *testing.T) {
	for _, p := range peers() {
		if p.settings == "" {
			continue
		}
		for _, mode := range []string{"http", "tcp"} {
			path := filepath.Join(t.TempDir(), "settings")
			err := render(p.settings, path, site{Dir: "/d", Log: "/d/log", Listen: "127.0.0.1:1", Admin: "127.0.0.1:2", Mode: mode,
				Backends: []endpoint{{Address: "127.0.0.1:3"}, {Address: "/s", Unix: true}}})
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
				continue
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(raw), "127.0.0.1:3") || strings.Contains(string(raw), "{{") {
				t.Errorf("%s: settings are not complete:\n%s", p.name, raw)
			}
		}
	}
}

func TestParse_QuickIsShort(t *testing.T) {
	o, err := parse([]string{"-quick"})
	if err != nil || o.rounds != 1 || o.turn != time.Second || o.peers != "haproxy,drover" {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := parse([]string{"-rounds", "0"}); err == nil {
		t.Error("no round was accepted")
	}
}
