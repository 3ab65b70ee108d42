package monitor

import (
	"time"

	"golang.org/x/sys/unix"
)

// Asleep returns how long the machine has slept since it started. It grows by a
// suspension and by nothing else, whatever the time of day is set to.
func Asleep() time.Duration {
	var boot, running unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &running) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return 0 // an old kernel does not tell
	}
	return time.Duration(boot.Nano() - running.Nano())
}
