package main

import "time"

// report is what a run saw; bench reads it.
type report struct {
	Requests int64         `json:"requests"` // answered
	Bytes    int64         `json:"bytes"`    // of bodies
	Elapsed  time.Duration `json:"elapsed"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
	P999     time.Duration `json:"p999"`
}

// quantile returns the smallest value that a share q of the sorted ones does not exceed; 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
