package autoscale

import (
	"math"
	"time"
)

// Signals are what is known of a pool and its machine at one moment.
type Signals struct {
	Wanted  int  // workers
	Ready   int  // of those, how many take requests
	Booting int  // of those, how many will soon
	Rolling bool // a rolling restart is in progress
	Manual  bool // an operator said how many

	InFlight     float64       // requests that the ready workers have
	CPU          float64       // cores that the ready workers use
	Memory       float64       // mean share of its limit that a worker uses, 0 to 1; 0: there is none
	ResponseTime time.Duration // mean time to the first byte of an answer, lately
	QueueLength  float64       // requests that wait for a worker
	QueueWait    time.Duration // how long the first of them has

	WorkerMemory uint64  // what a worker takes, in bytes; 0: not known
	HostMemory   uint64  // what the machine has, in bytes; 0: not known
	HostFree     uint64  // of that, what can be had
	GroupMemory  uint64  // what the container may have, in bytes; 0: as much as the machine
	GroupFree    uint64  // of that, what can be had
	HostCPU      float64 // share of the machine's CPU, or of what the container may use of it, that is used, 0 to 1
	HostCores    float64
}

// smoothing is the time in which a smoothed signal takes over most of a change:
// short beside the time that a worker takes to start, long beside one request.
const smoothing = 2 * time.Second

// smooth returns in with those signals averaged over the last moments that
// jump from one look to the next. Totals are smoothed, not means per worker,
// so that a worker that comes or goes is seen at once.
func (s Signals) smooth(in Signals, passed time.Duration) Signals {
	part := 1 - math.Exp(-float64(passed)/float64(smoothing))
	mix := func(old, now float64) float64 { return old + (now-old)*part }
	out := in
	out.InFlight = mix(s.InFlight, in.InFlight)
	out.CPU = mix(s.CPU, in.CPU)
	out.Memory = mix(s.Memory, in.Memory)
	out.HostCPU = mix(s.HostCPU, in.HostCPU)
	out.ResponseTime = time.Duration(mix(float64(s.ResponseTime), float64(in.ResponseTime)))
	out.QueueLength = mix(s.QueueLength, in.QueueLength)
	return out
}
