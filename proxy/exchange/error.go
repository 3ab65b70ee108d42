package exchange

import "errors"

// Kind says which way an exchange failed. The caller decides by it what the
// client is told, whether the request may be sent again, and who is blamed.
type Kind uint8

// The ways an exchange fails.
const (
	// ConnectFailed: no connection could be made (timeout, no route, a name
	// that does not resolve, a path that is not allowed). Nothing was sent.
	ConnectFailed Kind = iota + 1
	// Refused: nobody listens at the address. Nothing was sent.
	Refused
	// Reset: the upstream closed or reset the connection before the response
	// head was complete.
	Reset
	// FirstByteTimeout: the request was sent, no response began in time.
	FirstByteTimeout
	// IdleTimeout: the upstream stopped taking the request or giving the
	// response for too long, or the deadline of the whole passed in the body.
	IdleTimeout
	// Invalid: what the upstream sent is not a valid HTTP/1 response.
	Invalid
	// Truncated: the body ended before its end.
	Truncated
	// ClientBody: the request's body could not be read, or is not as long as
	// announced. The upstream is not to blame.
	ClientBody
	// Canceled: Cancel.Fire was called.
	Canceled
)

// String is the kind in words, for logs.
func (k Kind) String() string {
	switch k {
	case ConnectFailed:
		return "connect failed"
	case Refused:
		return "connection refused"
	case Reset:
		return "reset by upstream"
	case FirstByteTimeout:
		return "no response in time"
	case IdleTimeout:
		return "idle for too long"
	case Invalid:
		return "invalid response"
	case Truncated:
		return "response cut short"
	case ClientBody:
		return "request body failed"
	case Canceled:
		return "canceled"
	}
	return "unknown failure"
}

// Error is what Do and the methods of Response fail with. Compare with
// errors.As; Err keeps the cause.
type Error struct {
	Kind Kind
	// Unsent is true when it is certain that the upstream read nothing of the
	// request, so that sending it elsewhere cannot do anything twice.
	Unsent bool
	Err    error
}

// Error names the kind and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Kind.String()
	}
	return e.Kind.String() + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of err, or 0 when err is no *Error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}
