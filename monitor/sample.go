package monitor

import "time"

// Sample is what a process tree used at one moment. The zero value means that
// nothing was measured.
type Sample struct {
	At         time.Time
	CPUSeconds float64 // user and system time of the tree since it was first measured, and before; never decreases
	CPU        float64 // cores used since the sample before: 0.35 is 35% of one core
	RSS        uint64  // resident memory in bytes; pages that members share count for each
	OpenFiles  int
	Threads    int
	Processes  int
}

// HostSample is what the machine used at one moment.
type HostSample struct {
	At              time.Time
	CPU             float64 // share of all cores that was busy since the sample before, 0 to 1
	Cores           int
	MemoryTotal     uint64 // bytes
	MemoryAvailable uint64 // bytes that can be had without swapping
}

// MemoryUsed returns the bytes that are not available.
func (h HostSample) MemoryUsed() uint64 {
	if h.MemoryAvailable > h.MemoryTotal {
		return 0
	}
	return h.MemoryTotal - h.MemoryAvailable
}
