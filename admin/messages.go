package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxMessageBody is the largest ipc.maxMessageBytes, and room for the rest.
	maxMessageBody = 8<<20 + 64<<10
	// maxMessageTimeout is how long a request between workers may take.
	maxMessageTimeout = time.Hour
)

// Target is the receiver of a message: a worker, or one of a pool.
type Target struct {
	Worker string `json:"worker,omitempty"` // app-3 (the newest in slot 3) or app-3.7
	Pool   string `json:"pool,omitempty"`   // in place of it: one of its workers …
	Pick   string `json:"pick,omitempty"`   // … random (the default) or least-busy
}

// BroadcastRequest is the body of POST /api/v1/ipc/broadcast.
type BroadcastRequest struct {
	Pool string          `json:"pool,omitempty"` // missing, or *: every pool
	Type string          `json:"type"`
	Data json.RawMessage `json:"data,omitempty"` // missing: null
}

// Broadcasted is the answer: who got the message.
type Broadcasted struct {
	Received int           `json:"received"` // workers that acknowledged it
	Sent     int           `json:"sent"`     // workers that it was written to, which do not acknowledge
	Failed   []Undelivered `json:"failed"`
}

// Undelivered is a worker that did not get a message, or did not say so.
type Undelivered struct {
	Worker  string `json:"worker"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// SendRequest is the body of POST /api/v1/ipc/send.
type SendRequest struct {
	Target
	Type string          `json:"type"`
	Data json.RawMessage `json:"data,omitempty"` // missing: null
}

// Delivered is the answer: who has the message.
type Delivered struct {
	Worker       string `json:"worker"`
	Acknowledged bool   `json:"acknowledged"` // false: the worker is one that does not acknowledge
}

// AskRequest is the body of POST /api/v1/ipc/request.
type AskRequest struct {
	SendRequest
	TimeoutMS *int64 `json:"timeoutMs,omitempty"` // 1 to 3600000; missing: ipc.requestTimeout
}

// Response is the answer of a worker.
type Response struct {
	From string          `json:"from"`
	Data json.RawMessage `json:"data"`
}

// MessageError is the Error for a code of docs/ipc-protocol.md. A code that it
// does not know is a worker's own.
func MessageError(code, message string) *Error {
	status := http.StatusBadGateway
	switch code {
	case "no-target":
		status = http.StatusNotFound
	case "worker-gone", "queue-full", "too-many-requests", "cancelled", "closed", "forbidden", "plain-payload":
		status = http.StatusConflict
	case "bad-frame", "bad-type", "unknown-type", "too-large", "too-deep", "schema":
		status = http.StatusUnprocessableEntity
	case "timeout":
		status = http.StatusGatewayTimeout
	}
	return &Error{Status: status, Code: code, Message: message}
}

func (s *Server) broadcast(w http.ResponseWriter, r *http.Request) error {
	var body BroadcastRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	data, err := payload(body.Type, body.Data)
	if err != nil {
		return err
	}
	if body.Pool == "" {
		body.Pool = "*"
	}
	patient(w)
	result, err := s.backend.Broadcast(r.Context(), body.Pool, body.Type, data)
	if err != nil {
		return err
	}
	result.Failed = listed(result.Failed)
	return reply(w, http.StatusOK, result)
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) error {
	var body SendRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	data, err := body.check()
	if err != nil {
		return err
	}
	patient(w)
	result, err := s.backend.Send(r.Context(), body.Target, body.Type, data)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, result)
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request) error {
	var body AskRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	data, err := body.check()
	if err != nil {
		return err
	}
	var timeout time.Duration // none: that of the settings
	if body.TimeoutMS != nil {
		if *body.TimeoutMS < 1 || *body.TimeoutMS > maxMessageTimeout.Milliseconds() {
			return Invalid("timeoutMs: %d is not a number from 1 to %d", *body.TimeoutMS, maxMessageTimeout.Milliseconds())
		}
		timeout = time.Duration(*body.TimeoutMS) * time.Millisecond
	}
	patient(w)
	result, err := s.backend.Request(r.Context(), body.Target, body.Type, data, timeout)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, result)
}

// check refuses a target that is none, or two.
func (b *SendRequest) check() ([]byte, error) {
	t := b.Target
	switch {
	case t.Worker == "" && t.Pool == "":
		return nil, badRequest(`the body must say who gets it: {"worker": "app-3", …}, or {"pool": "app", …} for one of its workers`)
	case t.Worker != "" && (t.Pool != "" || t.Pick != ""):
		return nil, badRequest("the body names a worker, and a pool or a pick as well; keep one of them")
	case t.Pick != "" && t.Pick != "random" && t.Pick != "least-busy":
		return nil, Invalid("pick: %s is not known; use random or least-busy", quoted(t.Pick))
	}
	return payload(b.Type, b.Data)
}

// payload returns the data of a message on one line, as channels need it.
func payload(kind string, data json.RawMessage) ([]byte, error) {
	if kind == "" {
		return nil, badRequest(`the body must say what it is: {"type": "price.changed", …}`)
	}
	if len(data) == 0 {
		return []byte("null"), nil
	}
	var line bytes.Buffer
	if err := json.Compact(&line, data); err != nil {
		return nil, fmt.Errorf("compact the data: %w", err) // it was decoded
	}
	return line.Bytes(), nil
}

// patient lets an answer take longer than the server allows a client to send
// its question: net/http takes the end of that time for the client's leaving.
func patient(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // without one there is nothing to lift
}
