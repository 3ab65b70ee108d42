package supervisor

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// runtimeMemory returns the limit that a worker's runtime is to know of, in
// bytes; 0 when there is none, or when its command sets one of its own.
func runtimeMemory(cfg *config.Pool) uint64 {
	if slices.ContainsFunc(cfg.Command, limitsHeap) {
		return 0
	}
	return uint64(cfg.Resources.MaxMemoryPerWorker)
}

// giveMemory tells the runtimes that take it from their environment how much
// memory the worker may use, where the user has not: they collect their garbage
// in time instead of running into the limit.
func (w identity) giveMemory(vars map[string]string) {
	if w.Memory == 0 {
		return
	}
	if !limitsHeap(vars["NODE_OPTIONS"]) {
		vars["NODE_OPTIONS"] = strings.TrimSpace(vars["NODE_OPTIONS"] + " --max-old-space-size=" + strconv.FormatUint(oldSpace(w.Memory), 10))
	}
	if _, ok := vars["GOMEMLIMIT"]; !ok {
		// It is soft, and what Go itself does not know of (cgo, mapped files) needs room.
		vars["GOMEMLIMIT"] = strconv.FormatUint(w.Memory/10*9, 10)
	}
}

// oldSpace returns the heap of Node.js, in megabytes, in a process that may use
// limit bytes: 48 MB are for the program, young objects and buffers. V8 ends the
// process when its heap is full, so it must not be full before the worker has
// come to the critical threshold, where it is replaced.
func oldSpace(limit uint64) uint64 {
	const rest = 48 << 20
	heap := limit / 100 * 95
	return max(heap-min(rest, heap), limit/2) >> 20
}

// limitsHeap reports whether options of Node.js, or a command line with them,
// say how large its heap may be.
func limitsHeap(options string) bool {
	return strings.Contains(strings.ReplaceAll(options, "_", "-"), "--max-old-space-size") || strings.Contains(strings.ReplaceAll(options, "_", "-"), "--max-heap-size")
}
