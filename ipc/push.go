package ipc

// Push puts a frame, one line without its end, into the box of a worker. It
// never waits; false says that the box is full or the worker is gone.
func (h *Hub) Push(workerID string, frame []byte) bool {
	e := h.present.Load().find(workerID)
	if e == nil || !e.out.put(true, func(b []byte) []byte { return append(b, frame...) }) {
		return false
	}
	e.out.flush()
	return true
}
