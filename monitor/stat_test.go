package monitor

import (
	"strings"
	"testing"
)

func TestStat_ReadsTheKernelsLine(t *testing.T) {
	line := "4711 (a) (b c) S 1 4711 4711 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 7 0 123456 1000000 250 18446744073709551615\n"
	u, ok := parseStat([]byte(line))
	want := usage{parent: 1, ticks: 200, reaped: 50, threads: 7, start: 123456}
	if !ok || u != want {
		t.Errorf("got %+v, %v; want %+v", u, ok, want)
	}
	if u, ok := parseStat([]byte(strings.Replace(line, " S ", " Z ", 1))); !ok || !u.dead {
		t.Errorf("a zombie is %+v, %v", u, ok)
	}
	for _, bad := range []string{"", "4711", "1 (x) S 1 2", "1 (x"} {
		if _, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q was taken for a line of stat", bad)
		}
	}
}

func TestStat_ReadsResidentPages(t *testing.T) {
	f := func(text string, resident, shared uint64) {
		t.Helper()
		if r, s := parseStatm([]byte(text)); r != resident || s != shared {
			t.Errorf("%q: %d, %d", text, r, s)
		}
	}
	f("1000 250 3 4 0 5 0\n", 250, 3)
	f("1000 250", 250, 0)
	f("1000", 0, 0)
	f("", 0, 0)
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("4711 (a) S 1 4711 4711 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 7 0 123456 1000000 250"))
	f.Fuzz(func(_ *testing.T, text []byte) { // a process chooses its own name
		parseStat(text)
		parseStatm(text)
	})
}
