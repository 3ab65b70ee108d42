package main

import (
	"testing"
	"time"
)

func TestParseLoad_ReadsTheReport(t *testing.T) {
	got, err := parseLoad([]byte(`{"requests":300,"bytes":3145728000,"elapsed":3000000000,"p50":100000,"p99":2000000,"p999":30000000}` + "\n"))
	want := turn{requests: 300, bytes: 300 * sizeOf10m, elapsed: 3 * time.Second, p50: 100 * time.Microsecond, p99: 2 * time.Millisecond, p999: 30 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestParseLoad_RefusesFailures(t *testing.T) {
	for _, out := range []string{"", "{}", `{"requests":0}`, "load: answer 502"} {
		if got, err := parseLoad([]byte(out)); err == nil {
			t.Errorf("%q was accepted as %+v", out, got)
		}
	}
}
