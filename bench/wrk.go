package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// wrk runs the load on core 0 and reads its report. An answer other than 2xx or a broken connection is
// an error: a proxy that fails is not fast.
func (l *lab) wrk(ctx context.Context, s scenario, address string, length time.Duration) (turn, error) {
	ctx, cancel := context.WithTimeout(ctx, length+15*time.Second)
	defer cancel()
	args := []string{"-t1", "-c" + strconv.Itoa(s.connections), "-d" + strconv.Itoa(int(length.Seconds())) + "s", "--latency", "--timeout", "10s"}
	if s.close {
		args = append(args, "-H", "Connection: close")
	}
	name, args := l.pinned(loadCore, "wrk", append(args, "http://"+address+s.path))
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return turn{}, fmt.Errorf("run wrk: %w\n%s", err, out)
	}
	return parseWrk(string(out))
}

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
