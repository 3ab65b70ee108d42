package ipc

// batch remembers whose outboxes got frames while a reader works through what
// it has read, so that each is written to once at the end.
type batch struct{ dirty []*Endpoint }

// add notes that e has something to write; a nil batch writes at once.
func (b *batch) add(e *Endpoint) {
	if b == nil {
		e.out.flush()
		return
	}
	for i := len(b.dirty) - 1; i >= max(0, len(b.dirty)-8); i-- { // one that is found twice costs little
		if b.dirty[i] == e {
			return
		}
	}
	b.dirty = append(b.dirty, e)
}

func (b *batch) flush() {
	for i, e := range b.dirty {
		e.out.flush()
		b.dirty[i] = nil
	}
	b.dirty = b.dirty[:0]
}
