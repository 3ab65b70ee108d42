package ipc

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// droverName is the sender of what drover itself says; it has no pool.
const droverName = "drover"

// sender is who a message comes from.
type sender struct {
	id, pool string
	worker   *Endpoint // nil: drover itself
}

func (e *Endpoint) sender() sender { return sender{id: e.id, pool: e.place.pool, worker: e} }

// payload is what a message carries: data, JSON, or jwe, encrypted. It may be
// part of a line that is read, so it does not outlive the call it is given to.
type payload struct{ data, jwe []byte }

// appendTo writes the payload as a member of a frame, after others.
func (p payload) appendTo(b []byte) []byte {
	switch {
	case p.jwe != nil:
		return append(append(b, `,"jwe":`...), p.jwe...)
	case p.data != nil:
		return append(append(b, `,"data":`...), p.data...)
	}
	return append(b, `,"data":null`...)
}

func (p payload) size() int { return len(p.data) + len(p.jwe) }

// message is a message that was found to be in order, but for where it goes.
type message struct {
	from    sender
	verb    string
	id      uint64 // the sender's
	kind    string // type, or topic
	topic   bool
	payload payload
	seal    func(pool string) (jwe string, err error) // encrypts what drover itself says; nil: it needs not
	size    int                                       // of the payload as it was given, in bytes
	content []byte                                    // for the audit log; nil where it is not to have it
	tail    []byte                                    // the payload as it stands in frames, once it was needed
}

// message checks what a frame is to say.
func (h *Hub) message(from sender, f *frame) (*message, *Error) {
	m := &message{from: from, verb: f.verb, id: f.id, kind: f.kind, payload: payload{data: f.data, jwe: f.jwe}}
	m.size = m.payload.size()
	if f.has&hasTopic != 0 {
		m.kind, m.topic = f.topic, true
	}
	if err := h.checkKind(m.kind); err != nil {
		return nil, err
	}
	if err := h.checkPayload(m.payload, from, m.kind); err != nil {
		return nil, err
	}
	if h.options.Keys == nil { // what is encrypted for others is not kept in clear here
		m.content = h.contentOf(m.payload.data)
	}
	return m, nil
}

func (h *Hub) checkKind(kind string) *Error {
	if !validName(kind) {
		return refuse(CodeBadType, "%.150q is not a type: 1 to 128 of A-Z a-z 0-9 . _ : / -, the first a letter or digit", kind)
	}
	if len(h.options.Types) > 0 && !h.options.Types.Match(kind) {
		return refuse(CodeUnknownType, "ipc.types does not have %s", kind)
	}
	return nil
}

// checkPayload checks size, depth, encryption and, where kind is not empty, schema.
func (h *Hub) checkPayload(p payload, from sender, kind string) *Error {
	if n := p.size(); n > h.options.MaxMessageBytes {
		return refuse(CodeTooLarge, "%d bytes are more than ipc.maxMessageBytes, %d", n, h.options.MaxMessageBytes)
	}
	if p.jwe != nil {
		if h.options.Keys == nil {
			return refuse(CodeBadFrame, "ipc.encryption is off: send data in place of jwe")
		}
		return nil
	}
	if tooDeep(p.data, h.options.MaxDepth) {
		return refuse(CodeTooDeep, "the data is nested deeper than ipc.maxDepth, %d", h.options.MaxDepth)
	}
	if h.options.Keys != nil && from.worker != nil {
		return refuse(CodePlainPayload, "ipc.encryption is on: send jwe in place of data")
	}
	if kind != "" && h.options.Schemas != nil {
		data := p.data
		if data == nil {
			data = []byte("null")
		}
		return h.checkSchema(kind, data)
	}
	return nil
}

func (h *Hub) checkSchema(kind string, data []byte) *Error {
	if err := h.options.Schemas.Check(kind, data); err != nil {
		return refuse(CodeSchema, "%v", err)
	}
	return nil
}

// dataFor returns the payload member for a receiver of the pool.
func (m *message) dataFor(pool string) ([]byte, *Error) {
	p := m.payload
	switch {
	case m.seal != nil:
		jwe, err := m.seal(pool)
		if err != nil {
			return nil, refuse(CodeRefused, "encrypt for pool %s: %v", pool, err)
		}
		return payload{jwe: appendString(nil, jwe)}.appendTo(nil), nil
	case len(p.jwe) > 0 && p.jwe[0] == '{':
		if p.jwe = ofPool(p.jwe, pool); p.jwe == nil {
			return nil, refuse(CodeRefused, "the message was not encrypted for pool %s", pool)
		}
		return p.appendTo(nil), nil
	case m.tail == nil:
		m.tail = p.appendTo(nil)
	}
	return m.tail, nil
}

// ofPool finds the token of one pool in an object of them.
func ofPool(tokens []byte, pool string) []byte {
	dec := jsontext.NewDecoder(bytes.NewReader(tokens))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		found := name.String() == pool
		v, err := dec.ReadValue()
		if err != nil || found {
			return bytes.Clone(v)
		}
	}
	return nil
}

// appendHead begins a frame with an id.
func appendHead(b []byte, verb string, id uint64) []byte {
	b = append(append(append(b, `{"drover":"`...), verb...), `","id":`...)
	return strconv.AppendUint(b, id, 10)
}

// maxErrorMessage bounds what a worker says of an error, in bytes.
const maxErrorMessage = 4 << 10

// parseError reads {"code":…,"message":…} of a worker.
func parseError(raw []byte) (*Error, *Error) {
	var e Error
	if err := json.Unmarshal(raw, &e); err != nil || e.Code == "" {
		return nil, refuse(CodeBadFrame, "error is not {\"code\":…,\"message\":…}")
	}
	if len(e.Code) > maxName {
		e.Code = e.Code[:maxName]
	}
	if len(e.Message) > maxErrorMessage {
		e.Message = e.Message[:maxErrorMessage]
	}
	return &e, nil
}
