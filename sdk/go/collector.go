package drover

import (
	"runtime/debug"
	"sync/atomic"
)

// collector collects garbage when drover asks for it, which it does near a
// worker's memory limit.
type collector struct{ running atomic.Bool }

// begin has garbage collected and memory given back to the system, beside what
// else goes on.
func (c *collector) begin() {
	if !c.running.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer c.running.Store(false)
		debug.FreeOSMemory()
	}()
}
