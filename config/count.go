package config

import (
	"runtime"
	"strconv"
)

// Count is a number of workers, or Auto (written auto).
type Count int

// Auto is the Count that stands for GOMAXPROCS.
const Auto Count = -1

// Resolve returns the number that c stands for: GOMAXPROCS for Auto, which
// follows the CPUs and the CPU quota that drover has.
func (c Count) Resolve() int {
	if c == Auto {
		return runtime.GOMAXPROCS(0)
	}
	return int(c)
}

// UnmarshalText reads a whole number or auto.
func (c *Count) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*c = Auto
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return &valueError{quote(string(text)) + " is not a number of workers", "write a whole number from 0 to 1024, or auto"}
	}
	*c = Count(n)
	return nil
}

// String writes c as it is written in the file.
func (c Count) String() string {
	if c == Auto {
		return "auto"
	}
	return strconv.Itoa(int(c))
}
