package ipc

import "bytes"

// resultOK is the result of what got through.
const resultOK = "ok"

// note is what is counted and audited of a message.
type note struct {
	verb, from, kind string
	id               uint64 // the sender's
	size             int
	content          []byte
}

func (m *message) note() note {
	return note{verb: m.verb, id: m.id, from: m.from.id, kind: m.kind, size: m.size, content: m.content}
}

// note counts what became of a message for one receiver, and writes it to the
// audit log.
func (h *Hub) note(n *note, to string, err *Error) {
	h.count(n.verb, codeOf(err))
	h.options.Audit.Record(AuditRecord{
		Kind: n.verb, From: n.from, To: to, Type: n.kind, ID: n.id, Size: n.size, Result: codeOf(err), Content: n.content,
	})
}

// record writes a frame that was refused to the audit log.
func (h *Hub) record(f *frame, from string, err *Error) {
	if h.options.Audit == nil {
		return
	}
	to := f.worker
	if to == "" {
		to = f.pool
	}
	kind := f.kind
	if kind == "" {
		kind = f.topic
	}
	h.options.Audit.Record(AuditRecord{
		Kind: shorten(f.verb, maxName), From: from, To: shorten(to, maxName), Type: shorten(kind, maxName), ID: f.id, Size: len(f.data) + len(f.jwe), Result: err.Code,
	})
}

// count tells the observer of what is a message; other frames count where they
// are refused.
func (h *Hub) count(kind, result string) {
	if h.options.Observer != nil {
		h.options.Observer.IPCMessage(kind, result)
	}
}

func codeOf(err *Error) string {
	if err == nil {
		return resultOK
	}
	return err.Code
}

// contentOf copies what the audit log is to have of a value.
func (h *Hub) contentOf(data []byte) []byte {
	if !h.options.AuditContent {
		return nil
	}
	return bytes.Clone(data)
}
