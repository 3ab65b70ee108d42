package autoscale

import (
	"fmt"
	"time"
)

// explain says in words why the number of workers changes.
func (d Decision) explain(p Policy) string {
	in := d.Seen
	each := func(total float64) float64 { return total / float64(max(in.Ready, 1)) }
	switch d.Reason {
	case InFlight:
		return fmt.Sprintf("each has %.1f requests in flight, the target is %g", each(in.InFlight), p.InFlight)
	case CPU:
		return fmt.Sprintf("each uses %.0f%% of a core, the threshold is %.0f%%", 100*each(in.CPU), 100*p.CPU)
	case QueueWait:
		return fmt.Sprintf("a request has waited %s for a worker, the threshold is %s", round(in.QueueWait), p.QueueWait)
	case QueueLength:
		return fmt.Sprintf("%.0f requests wait for a worker, the threshold is %d", in.QueueLength, p.QueueLength)
	case ResponseTime:
		return fmt.Sprintf("answers take %s, the threshold is %s, and that is not the only sign of load", round(in.ResponseTime), p.ResponseTime)
	case Idle:
		return fmt.Sprintf("for some time fewer would have been enough; now each has %.1f requests in flight and uses %.0f%% of a core",
			each(in.InFlight), 100*each(in.CPU))
	}
	return ""
}

// numbers are what an event of the decision carries.
func (d Decision) numbers() map[string]any {
	in := d.Seen
	return map[string]any{
		"ready": in.Ready, "desired": d.Desired, "inFlight": in.InFlight, "cpuPercent": 100 * in.CPU,
		"responseTimeSeconds": in.ResponseTime.Seconds(), "queueLength": in.QueueLength, "queueWaitSeconds": in.QueueWait.Seconds(),
		"hostCPUPercent": 100 * in.HostCPU,
	}
}

func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
