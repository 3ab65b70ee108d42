package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// wrk runs the load on core 0 and reads its report. An answer other than 2xx, one that is too short or a
// broken connection is an error: a proxy that fails is not fast.
func (b *bout) wrk() (turn, error) {
	s := b.scenario
	args := []string{"-t1", "-c" + strconv.Itoa(s.connections), "-d" + strconv.Itoa(int(b.length.Seconds())) + "s", "--latency", "--timeout", "10s"}
	if s.close {
		args = append(args, "-H", "Connection: close")
	}
	if s.strategy != "" {
		args = append(args, "-s", b.lab.keys)
	}
	out, err := b.lab.onLoadCore(b.ctx, b.length, "wrk", append(args, "http://"+b.address+s.path)...)
	if err != nil {
		return turn{}, err
	}
	got, err := parseWrk(string(out))
	if err == nil && got.bytes < float64(got.requests*s.size)*wrkRounding {
		err = fmt.Errorf("%d answers with only %.0f bytes in all, not %d each", got.requests, got.bytes, s.size)
	}
	return got, err
}

// wrkRounding is what is left of a number that wrk has printed with two digits after the point.
const wrkRounding = 0.99

var (
	wrkTotals = regexp.MustCompile(`(\d+) requests in ([\d.]+)(ms|s|m), ([\d.]+)(B|KB|MB|GB|TB) read`)
	wrkP99    = regexp.MustCompile(`99%\s+([\d.]+)(us|ms|s|m)`)
	wrkErrors = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

var (
	wrkTime  = map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute}
	wrkBytes = map[string]float64{"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
)

// parseWrk reads the report of wrk 4.
func parseWrk(out string) (turn, error) {
	totals := wrkTotals.FindStringSubmatch(out)
	p99 := wrkP99.FindStringSubmatch(out)
	if totals == nil || p99 == nil {
		return turn{}, fmt.Errorf("wrk's report is not understood:\n%s", out)
	}
	if bad := wrkStatus.FindStringSubmatch(out); bad != nil {
		return turn{}, fmt.Errorf("%s answers were not 2xx", bad[1])
	}
	if bad := wrkErrors.FindStringSubmatch(out); bad != nil {
		return turn{}, fmt.Errorf("connections failed: %s", bad[0])
	}
	requests, err := strconv.ParseInt(totals[1], 10, 64)
	if err != nil {
		return turn{}, fmt.Errorf("wrk's requests: %w", err)
	}
	return turn{
		requests: requests,
		elapsed:  time.Duration(number(totals[2]) * float64(wrkTime[totals[3]])),
		bytes:    number(totals[4]) * wrkBytes[totals[5]],
		p99:      time.Duration(number(p99[1]) * float64(wrkTime[p99[2]])),
	}, nil
}

// number parses what the patterns above let through: digits and a point.
func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}
