package config

import "time"

// Duration is a length of time, written 250ms, 30s, 5m; a bare number is milliseconds.
type Duration time.Duration

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Size is a number of bytes, written 256MB or 1GB (1024-based); a bare number is bytes.
type Size int64

// Percent is a share, written 50%; the value is in percent (50, not 0.5).
type Percent float64

// Ratio returns p as a number from 0 to 1.
func (p Percent) Ratio() float64 { return float64(p) / 100 }

// Count is a number of workers, or Auto (written auto).
type Count int

// Auto is the Count that stands for GOMAXPROCS.
const Auto Count = 0
