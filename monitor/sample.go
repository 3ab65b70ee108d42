package monitor

import "time"

// Sample is what a process tree used at one moment. The zero value means that
// nothing was measured.
type Sample struct {
	At         time.Time
	CPUSeconds float64 // user and system time of the tree since it was first measured, and before; never decreases
	CPU        float64 // cores used since the sample before: 0.35 is 35% of one core
	RSS        uint64  // resident memory in bytes; pages that members share count for each
	Shared     uint64  // the part of RSS that is files or shared memory
	Charged    uint64  // bytes that count against Target.MemoryLimit: shared pages once, where that makes a difference
	OpenFiles  int
	Threads    int
	Processes  int

	// These are read every few seconds only. They never decrease.
	VoluntarySwitches, InvoluntarySwitches uint64 // context switches of its threads
	ReadBytes, WrittenBytes                uint64 // from and to disks
}

// HostSample is what the machine used at one moment.
type HostSample struct {
	At              time.Time
	CPU             float64 // share of all cores that was busy since the sample before, 0 to 1
	Cores           int
	MemoryTotal     uint64 // bytes
	MemoryAvailable uint64 // bytes that can be had without swapping

	Container Container

	Pressure *Pressure // nil where the kernel does not tell
	Disk     *Disk     // nil until measured
	Network  *Network  // nil where the kernel does not tell
}

// Container is what the control groups around drover leave it of the machine:
// those of a container, a pod or a service. What is 0 they do not bound.
type Container struct {
	Cores           float64
	CPU             float64 // share of Cores that was used since the sample before, 0 to 1
	MemoryTotal     uint64  // bytes
	MemoryAvailable uint64  // bytes that can be had; of use where MemoryTotal is not 0
}

// Pressure is the share of the last ten seconds in which something had to wait
// for a resource, 0 to 1.
type Pressure struct{ CPU, Memory, IO float64 }

// Disk is the file system of the folder that drover was started in, in bytes.
type Disk struct{ Total, Available uint64 }

// Network is what passed through all interfaces but loopback since they are there, in bytes.
type Network struct{ Received, Sent uint64 }

// Spare returns the bytes that can be had on the machine and in the container;
// 0 where that is not known.
func (h HostSample) Spare() uint64 {
	switch {
	case h.Container.MemoryTotal == 0:
		return h.MemoryAvailable
	case h.MemoryTotal == 0:
		return h.Container.MemoryAvailable
	}
	return min(h.MemoryAvailable, h.Container.MemoryAvailable)
}
