package main

import (
	"testing"
	"time"
)

const wrkReport = `Running 1s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.69ms  810.00us  21.90ms   92.35%
    Req/Sec    36.42k     1.02k   38.03k    70.00%
  Latency Distribution
     50%    1.60ms
     75%    1.84ms
     90%    2.21ms
     99%    3.60ms
  72843 requests in 2.10s, 19.31MB read
`

func TestParseWrk_ReadsTotals(t *testing.T) {
	got, err := parseWrk(wrkReport)
	want := turn{requests: 72843, elapsed: 2100 * time.Millisecond, bytes: 19.31 * (1 << 20), p99: 3600 * time.Microsecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestParseWrk_RefusesFailures(t *testing.T) {
	f := func(report string) {
		t.Helper()
		if got, err := parseWrk(report); err == nil {
			t.Errorf("accepted as %+v: %s", got, report)
		}
	}
	f("")
	f(wrkReport + "  Non-2xx or 3xx responses: 3\n")
	f(wrkReport + "  Socket errors: connect 0, read 7, write 0, timeout 0\n")
}
