package config

import (
	"regexp"
	"strconv"
	"time"
)

// Duration is a length of time, written 250ms, 30s, 5m; a bare number is milliseconds.
type Duration time.Duration

// longest is more than any setting needs, and small enough to be doubled and
// added to the time of day without overflow.
const longest = Duration(10 * 365 * 24 * time.Hour)

var (
	number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
	length = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`)
)

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// UnmarshalText reads 250ms, 30s, 1h30m, or a bare number of milliseconds.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if number.MatchString(s) {
		s += "ms"
	}
	if !length.MatchString(s) {
		return &valueError{quote(string(text)) + " is not a length of time", "write a number with ms, s, m or h, such as 250ms, 30s or 5m"}
	}
	value, err := time.ParseDuration(s)
	if err != nil || Duration(value) > longest {
		return &valueError{quote(string(text)) + " is out of range", "use at most " + longest.String()}
	}
	if value < 0 || s[0] == '-' {
		return &valueError{quote(string(text)) + " is negative", "use 0 or more"}
	}
	*d = Duration(value)
	return nil
}

// String writes d as it is written in the file, in the largest unit that gives
// a whole number.
func (d Duration) String() string {
	for _, u := range durationUnits {
		if d != 0 && d%u.length == 0 {
			return strconv.FormatInt(int64(d/u.length), 10) + u.name
		}
	}
	return d.Std().String()
}

// durationUnits in the order in which String tries them.
var durationUnits = []struct {
	name   string
	length Duration
}{{"h", hour}, {"m", minute}, {"s", second}, {"ms", millisecond}}
