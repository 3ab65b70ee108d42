package config

import (
	"runtime"
	"strconv"

	"github.com/drover-proxy/drover/internal/cgroupfs"
)

// Count is a number of workers, or Auto (written auto).
type Count int

// Auto is the Count that stands for the CPUs that drover may use.
const Auto Count = -1

// Resolve returns the number that c stands for. Auto is GOMAXPROCS, or the CPU
// quota of drover's control groups where that is less: GOMAXPROCS is never less
// than two for a quota, and does not see one of the groups around its own.
func (c Count) Resolve() int {
	if c != Auto {
		return int(c)
	}
	n := runtime.GOMAXPROCS(0)
	if quota := cgroupfs.Cores(); quota > 0 {
		n = min(n, quota)
	}
	return n
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
