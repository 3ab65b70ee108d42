package ipc

import (
	"bytes"
	"time"
)

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
	return note{verb: m.verb, id: m.id, from: m.from, kind: m.kind, size: m.payload.size(), content: m.content}
}

// note counts what became of a message for one receiver, and writes it to the
// audit log.
func (h *Hub) note(n *note, to string, err *Error) {
	h.count(n.verb, codeOf(err))
	h.options.Audit.Record(AuditRecord{
		Time: time.Now(), Kind: n.verb, From: n.from, To: to, Type: n.kind, ID: n.id, Size: n.size, Result: codeOf(err), Content: n.content,
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
		Time: time.Now(), Kind: shorten(f.verb, maxName), From: from, To: shorten(to, maxName), Type: shorten(kind, maxName), ID: f.id, Size: len(f.data) + len(f.jwe), Result: err.Code,
	})
}

func (h *Hub) count(verb, result string) {
	if h.options.Observer == nil {
		return
	}
	if kind, counted := countedKind(verb); counted {
		h.options.Observer.IPCMessage(kind, knownCode(result))
	}
}

// countedKind is the label of a frame in drover_ipc_messages_total.
func countedKind(verb string) (string, bool) {
	switch verb {
	case "send", "broadcast", "publish", "request", "response", "bare", "event":
		return verb, true
	case "hello", "ready", "ack", "cancel", "pong", "metrics", "cache", "subscribe", "unsubscribe":
		return "", false
	}
	return "other", true
}

// knownCode keeps the label to a closed set: an application has codes of its own.
func knownCode(code string) string {
	switch code {
	case resultOK, CodeBadFrame, CodeUnknownVerb, CodeForgedFrom, CodeBadType, CodeTooLarge, CodeTooDeep, CodeUnknownType, CodeSchema,
		CodePlainPayload, CodeForbidden, CodeNoTarget, CodeDuplicateID, CodeTooManyRequests, CodeQueueFull, CodeWorkerGone,
		CodeTimeout, CodeCancelled, CodeRefused, "no-handler", "handler-error":
		return code
	}
	return "application"
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
