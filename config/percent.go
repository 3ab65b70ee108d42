package config

import (
	"strconv"
	"strings"
)

// Percent is a share, written 50%; the value is in percent (50, not 0.5).
type Percent float64

// Ratio returns p as a number from 0 to 1.
func (p Percent) Ratio() float64 { return float64(p) / 100 }

// UnmarshalText reads 50%, or 50, which is the same.
func (p *Percent) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(strings.TrimSuffix(string(text), "%"))
	if !number.MatchString(s) {
		return &valueError{quote(string(text)) + " is not a percentage", "write a number from 0% to 100%, such as 50%"}
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil || value < 0 || value > 100 {
		return &valueError{quote(string(text)) + " is out of range", "use 0% to 100%"}
	}
	*p = Percent(value)
	return nil
}

// String writes p with its sign.
func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }
