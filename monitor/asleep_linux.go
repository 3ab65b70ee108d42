package monitor

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// Asleep returns how long the machine has slept since it started. It grows by a
// suspension and by nothing else, whatever the time of day is set to.
func Asleep() time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 3 { // a thread that has to wait between its two questions has not slept
		var boot, running unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &running) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
			return 0 // an old kernel does not tell
		}
		least = min(least, time.Duration(boot.Nano()-running.Nano()))
	}
	return least
}
