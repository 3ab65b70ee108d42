package healthcheck

import (
	"fmt"
	"strconv"
	"strings"
)

// StatusSet is a set of HTTP statuses, written as numbers and ranges: "200-399,404".
type StatusSet []statusRange

type statusRange struct{ first, last int }

// ParseStatusSet reads a StatusSet. Statuses are 100 to 599.
func ParseStatusSet(s string) (StatusSet, error) {
	var set StatusSet
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, errA := parseStatus(first)
		b, errB := parseStatus(last)
		if errA != nil || errB != nil || a > b {
			return nil, fmt.Errorf("expectStatus: %q is not a set of statuses; write it like 200-399,404", s)
		}
		set = append(set, statusRange{a, b})
	}
	return set, nil
}

func parseStatus(s string) (int, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	if err != nil || n < 100 || n > 599 {
		return 0, fmt.Errorf("status %q: not a number from 100 to 599", s)
	}
	return int(n), nil
}

// Has tells whether the status is in the set.
func (s StatusSet) Has(status int) bool {
	for _, r := range s {
		if r.first <= status && status <= r.last {
			return true
		}
	}
	return false
}

// String returns the set as it is written in the settings.
func (s StatusSet) String() string {
	parts := make([]string, len(s))
	for i, r := range s {
		if parts[i] = strconv.Itoa(r.first); r.last != r.first {
			parts[i] += "-" + strconv.Itoa(r.last)
		}
	}
	return strings.Join(parts, ",")
}
