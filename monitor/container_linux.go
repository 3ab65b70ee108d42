package monitor

import (
	"time"

	"github.com/drover-proxy/drover/internal/cgroupfs"
)

// containerReader reads the control groups that drover was started in; not for
// concurrent use.
type containerReader struct {
	groups cgroupfs.Groups
	used   float64 // CPU seconds at the last read
	at     time.Time
}

func (r *containerReader) read(now time.Time) Container {
	var c Container
	if m, ok := r.groups.Memory(); ok {
		c.MemoryTotal, c.MemoryAvailable = m.Limit, m.Available
	}
	if cpu, ok := r.groups.CPU(); ok {
		c.Cores = cpu.Cores
		if passed := now.Sub(r.at).Seconds(); !r.at.IsZero() && passed > 0 {
			c.CPU = min(max((cpu.Used-r.used)/passed/cpu.Cores, 0), 1)
		}
		r.used, r.at = cpu.Used, now
	}
	return c
}
