package autoscale

import (
	"math"
	"time"
)

// tolerance is how far a signal may be from its target before it asks for
// another number of workers.
const tolerance = 0.1

// recommendation is how many workers the signals ask for, and which of them
// asks for the most.
type recommendation struct {
	workers int
	reason  Reason
}

// recommend takes the largest of what each signal asks for. in is smoothed
// except for the queue's wait, which is how long one request really waited.
func (p Policy) recommend(in Signals) recommendation {
	if in.Ready == 0 {
		return recommendation{workers: in.Wanted} // nobody to measure
	}
	best := recommendation{reason: Idle}
	vote := func(reason Reason, n int) {
		if n > best.workers {
			best = recommendation{n, reason}
		}
	}
	if p.InFlight > 0 {
		vote(InFlight, proportional(in.Ready, in.InFlight/(p.InFlight*float64(in.Ready))))
	}
	if p.CPU > 0 {
		vote(CPU, proportional(in.Ready, in.CPU/(p.CPU*float64(in.Ready))))
	}
	if p.Memory > 0 {
		vote(Memory, proportional(in.Ready, in.Memory/p.Memory))
	}
	queued := func(reason Reason, ratio float64) {
		n := proportional(in.Ready, ratio)
		if in.Booting > 0 {
			// A queue tells that there are too few workers, but not how many are
			// needed: it stays as it is until those that were started are there.
			n = min(n, in.Wanted)
		}
		vote(reason, n)
	}
	if p.QueueWait > 0 {
		queued(QueueWait, in.QueueWait.Seconds()/p.QueueWait.Seconds())
	}
	if p.QueueLength > 0 {
		queued(QueueLength, in.QueueLength/float64(p.QueueLength))
	}
	if p.ResponseTime > 0 {
		n := proportional(in.Ready, in.ResponseTime.Seconds()/p.ResponseTime.Seconds())
		if best.workers <= in.Wanted {
			n = min(n, in.Wanted) // alone it may be a slow database, which more workers would make slower
		}
		vote(ResponseTime, n)
	}
	if p.CalmCPU > 0 && in.CPU >= p.CalmCPU*float64(in.Ready) {
		vote(CPU, in.Wanted)
	}
	if p.CalmMemory > 0 && in.Memory >= p.CalmMemory {
		vote(Memory, in.Wanted)
	}
	return best
}

// most bounds recommendations before they become whole numbers; rounding is
// what 3 × 4/6 may be more than 2.
const (
	most     = 1 << 20
	rounding = 1e-9
)

// proportional is how many workers it takes to bring a value that is ratio
// times its target down, or up, to it.
func proportional(workers int, ratio float64) int {
	if math.Abs(ratio-1) <= tolerance+rounding {
		return workers
	}
	return int(math.Ceil(min(float64(workers)*ratio, most) - rounding))
}

// Guards of the machine, and of the container that drover runs in: how much of the CPU may be used, which share of it
// must be the pool's own before that counts, and how much memory stays free.
const (
	cpuExhausted  = 0.9
	cpuOwnShare   = 0.1
	memoryReserve = 0.05
)

// guard returns what forbids to start more workers, "" when nothing does.
func (p Policy) guard(in Signals) Block {
	switch {
	case in.Manual:
		return Manual
	case in.Rolling:
		return Rolling
	case in.Wanted >= p.Max:
		return AtMax
	case in.HostCPU >= cpuExhausted && in.CPU >= cpuOwnShare*in.HostCores:
		// More workers would take it from each other. Where others have it, and
		// these hardly use any, they do not wait for CPU.
		return HostCPU
	case in.short(in.HostMemory, in.HostFree), in.short(in.GroupMemory, in.GroupFree):
		return HostMemory
	}
	return ""
}

// short reports whether another worker would take from the reserve of a memory; all may not be known of it.
func (s Signals) short(all, free uint64) bool {
	needs := s.WorkerMemory * uint64(s.Booting+1) // those that boot have not taken theirs yet
	return all > 0 && float64(free)-float64(needs) < memoryReserve*float64(all)
}

// waits reports whether the first request in the queue has waited for too long.
func (p Policy) waits(wait time.Duration) bool { return p.QueueWait > 0 && wait > p.QueueWait }
