package ipc

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// AuditLines is where the audit log goes: it takes a copy of each line, never
// waits, and counts what it loses.
type AuditLines interface {
	Put(line []byte)
}

// AuditRecord is what the audit log says about one message, for each worker that it was for.
type AuditRecord struct {
	Time   time.Time // the present one when missing
	Kind   string    // send, broadcast, publish, request, response, bare
	From   string    // a worker, or drover
	To     string    // a worker; of what was refused, as the sender wrote it
	Type   string    // or the topic
	ID     uint64    // the sender's, or 0
	Size   int       // of data or jwe, in bytes
	Result string    // ok, or the code of the error
	// Content is data or jwe as it was sent. It is written only if that was asked for.
	Content []byte
}

// AuditLog writes a line of JSON for every message. A nil one writes nothing.
// Record may be called concurrently.
type AuditLog struct {
	lines   AuditLines
	content bool
	buffers sync.Pool // of *[]byte
}

// keepAuditBuffer is the largest buffer that is kept for the next line.
const keepAuditBuffer = 64 << 10

// NewAuditLog returns a log that writes to lines, with the content of messages
// or without.
func NewAuditLog(lines AuditLines, content bool) *AuditLog {
	return &AuditLog{lines: lines, content: content, buffers: sync.Pool{New: func() any { return new([]byte) }}}
}

// Record writes the line about one message. It never waits.
func (a *AuditLog) Record(r AuditRecord) {
	if a == nil {
		return
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	if !a.content {
		r.Content = nil
	}
	buf := a.buffers.Get().(*[]byte)
	line := append(r.appendTo((*buf)[:0]), '\n')
	a.lines.Put(line)
	if cap(line) <= keepAuditBuffer {
		*buf = line
		a.buffers.Put(buf)
	}
}

func (r *AuditRecord) appendTo(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = r.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = appendMember(append(b, '"'), "kind", r.Kind)
	b = appendMember(b, "from", r.From)
	b = appendMember(b, "to", r.To)
	b = appendMember(b, "type", r.Type)
	if r.ID != 0 {
		b = appendCount(b, "id", r.ID)
	}
	b = appendCount(b, "size", uint64(r.Size))
	b = appendMember(b, "result", r.Result)
	if r.Content != nil {
		b = appendContent(append(b, `,"content":`...), r.Content)
	}
	return append(b, '}')
}

// appendContent writes JSON on one line, and what is none as a string.
func appendContent(b, content []byte) []byte {
	if !jsontext.Value(content).IsValid() { // stricter than json.Valid: UTF-8, no name twice
		b, _ = jsontext.AppendQuote(b, content) // what is not UTF-8 is replaced
		return b
	}
	if bytes.IndexByte(content, '\n') < 0 {
		return append(b, content...)
	}
	line := bytes.NewBuffer(b)
	_ = json.Compact(line, content) // it is valid
	return line.Bytes()
}

// appendMember writes a member that is a string. A name that is refused for its
// length, or a target that never was, is cut.
func appendMember(b []byte, name, value string) []byte {
	cut := len(value) > maxName
	if cut {
		value = value[:maxName]
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	b, _ = jsontext.AppendQuote(b, value) // what is not UTF-8 is replaced
	if cut {
		b = append(b[:len(b)-1], `…"`...)
	}
	return b
}

func appendCount(b []byte, name string, n uint64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendUint(b, n, 10)
}
