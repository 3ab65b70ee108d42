package main

import (
	"strings"
	"testing"
)

const pickReport = `goos: linux
pkg: github.com/drover-proxy/drover/strategy
BenchmarkPick/consistent-hash/10         	 4310023	        27.20 ns/op	       0 B/op	       0 allocs/op
BenchmarkPick/consistent-hash/1000       	 3310023	        91.50 ns/op	       0 B/op	       0 allocs/op
BenchmarkPick/random/10-2                	100000000	         5.120 ns/op	       0 B/op	       0 allocs/op
BenchmarkPick/random/1000-2              	  100000	       105.0 ns/op	      16 B/op	       1 allocs/op
PASS
`

func TestParsePicks_ReadsTheBenchmark(t *testing.T) {
	lines, err := parsePicks(pickReport)
	if err != nil || len(lines) != 4 || lines[3] != (picked{"random", 1000, 105, 1}) {
		t.Fatalf("got %+v, %v", lines, err)
	}
	table := pickTable(lines)
	for _, want := range []string{"| consistent-hash | 27.2 | – | 91.5 | 0 |", "| random | 5.1 | – | 105.0 | 1 |"} {
		if !strings.Contains(table, want) {
			t.Errorf("lacks %q:\n%s", want, table)
		}
	}
	verdicts := pickVerdicts(scenario{name: "pick"}, lines)
	if len(verdicts) != 2 || verdicts[0].String() != "105 ✗" || verdicts[1].String() != "1 ✗" {
		t.Errorf("got %v", verdicts)
	}
	if lines, err := parsePicks("PASS\n"); err == nil {
		t.Errorf("accepted as %v", lines)
	}
}
