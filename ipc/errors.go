package ipc

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is why a message did not get through, in the words of docs/ipc-protocol.md.
type Error struct {
	Code    string `json:"code"`    // for programs: one of the codes of the protocol, or the application's own
	Message string `json:"message"` // for people
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes that drover itself gives.
const (
	CodeBadFrame             = "bad-frame"
	CodeUnknownVerb          = "unknown-verb"
	CodeVersion              = "version"
	CodeKey                  = "key"
	CodeForgedFrom           = "forged-from"
	CodeBadType              = "bad-type"
	CodeTooLarge             = "too-large"
	CodeTooDeep              = "too-deep"
	CodeUnknownType          = "unknown-type"
	CodeSchema               = "schema"
	CodePlainPayload         = "plain-payload"
	CodeForbidden            = "forbidden"
	CodeNoTarget             = "no-target"
	CodeDuplicateID          = "duplicate-id"
	CodeTooManyRequests      = "too-many-requests"
	CodeTooManySubscriptions = "too-many-subscriptions"
	CodeQueueFull            = "queue-full"
	CodeWorkerGone           = "worker-gone"
	CodeTimeout              = "timeout"
	CodeCancelled            = "cancelled"
	CodeRefused              = "refused"
	CodeCacheOff             = "cache-off"
)

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// appendError writes {"code":…,"message":…}.
func appendError(b []byte, e *Error) []byte {
	b = appendString(append(b, `{"code":`...), e.Code)
	b = appendString(append(b, `,"message":`...), e.Message)
	return append(b, '}')
}

// appendString writes s as a string of JSON; what is not UTF-8 in it is replaced.
func appendString[S ~string | ~[]byte](b []byte, s S) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error only says that something was replaced
	return b
}
