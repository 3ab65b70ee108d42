package monitor

import (
	"fmt"
	"time"
)

// Verdict is what the memory of a process tree does over time. Amounts are bytes.
type Verdict struct {
	Leak bool
	Why  string // why it is not taken for a leak; "" for one

	At    time.Time     // of the last reading that it is based on
	Span  time.Duration // of those readings
	Bytes uint64        // at the last of them, as low as it got

	Slope     float64 // an hour
	Low, High float64 // the slope is between these with a confidence of 98%, and so above Low with 99%

	Limit      uint64        // that it grows towards; 0: not known
	ToLimit    time.Duration // at this slope; 0 where there is no limit or no growth
	PerRequest float64       // that it grew for each request served; 0 where it served none

	Younger      int    // siblings that are not half as old
	YoungerBytes uint64 // what the middle one of them has; 0 where there is none
}

// String tells it to a person.
func (v Verdict) String() string {
	if !v.Leak {
		return "no leak: " + v.Why
	}
	text := fmt.Sprintf("grows by %s an hour (%s to %s with 98%% confidence, over %s) from cycle to cycle of garbage collection", megabytes(v.Slope), megabytes(v.Low), megabytes(v.High), v.Span.Round(time.Second))
	if v.Limit > 0 {
		text += fmt.Sprintf("; from %s now it reaches %s in %s", megabytes(float64(v.Bytes)), megabytes(float64(v.Limit)), v.ToLimit.Round(time.Second))
	}
	if v.PerRequest > 0 {
		text += fmt.Sprintf("; that is %.1f KB for each request", v.PerRequest/1024)
	}
	if v.Younger > 0 {
		text += fmt.Sprintf("; younger workers of the pool have %s", megabytes(float64(v.YoungerBytes)))
	}
	return text
}

func megabytes(n float64) string { return fmt.Sprintf("%.1f MB", n/(1<<20)) }
