package config

import "fmt"

// leastMemory is what no runtime that drover has met does with.
const leastMemory = 4 * megabyte

func (v *validator) resources(key string, r Resources) {
	if n := r.MaxMemoryPerWorker; n > 0 && n < leastMemory {
		v.fault(key+".maxMemoryPerWorker", fmt.Sprintf("%s is less than any program needs", n), fmt.Sprintf("use %s or more, or 0 for no limit", leastMemory))
	}
	mm := r.MemoryManagement
	if mm.MemoryWarningThreshold > mm.MemoryCriticalThreshold {
		v.fault(key+".memoryManagement.memoryWarningThreshold", fmt.Sprintf("%s exceeds memoryCriticalThreshold %s", mm.MemoryWarningThreshold, mm.MemoryCriticalThreshold),
			"make it smaller than memoryCriticalThreshold")
	}
}
