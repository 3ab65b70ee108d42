//go:build !linux

package monitor

import "time"

// Asleep returns 0: only Linux tells how long the machine has slept.
func Asleep() time.Duration { return 0 }
