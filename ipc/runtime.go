package ipc

import "time"

// maxLoopDelay is the longest delay of an event loop that is believed, in
// milliseconds.
const maxLoopDelay = 24 * 3_600_000

// Runtime is what the runtime of a worker, Node.js or Bun, last said of itself.
type Runtime struct {
	At             time.Time // when it came
	LoopDelayMS    float64   // the longest that its event loop was late since the time before, in milliseconds
	HeapBytes      uint64    // in use
	HeapLimitBytes uint64    // that it may grow to; 0: it did not say
}

// runtime takes what a runtime says of itself. It comes from what drover has the
// runtime load, not from the application, so it makes the worker no receiver.
func (e *Endpoint) runtime(f *frame, b *batch) *Error {
	delay, err := f.loopDelay()
	if err != nil {
		return err
	}
	if delay < 0 || delay > maxLoopDelay {
		return refuse(CodeBadFrame, "runtime: loopDelayMs is out of range")
	}
	e.mu.Lock()
	e.vitals = Runtime{At: time.Now(), LoopDelayMS: delay, HeapBytes: f.heap, HeapLimitBytes: f.heapLimit}
	e.mu.Unlock()
	e.reply(f.id, b, nothing)
	return nil
}

// Runtime returns what the runtime of a worker last said of itself; false before
// it did.
func (h *Hub) Runtime(workerID string) (Runtime, bool) {
	e := h.present.Load().find(workerID)
	if e == nil {
		return Runtime{}, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.vitals, !e.vitals.At.IsZero()
}
