package drover

import "errors"

// Error is a failure that has a code of docs/ipc-protocol.md. Compare with
// errors.Is and a value that has only the code, such as ErrTimeout. A handler
// that returns one gives its code to the requester.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Message == "" || t.Message == e.Message)
}

// The codes that programs branch on; docs/ipc-protocol.md has all of them.
var (
	ErrTimeout    error = &Error{Code: "timeout"}       // no answer in time: whether it was handled is unknown
	ErrWorkerGone error = &Error{Code: "worker-gone"}   // the receiver ended: whether it was handled is unknown
	ErrNoTarget   error = &Error{Code: "no-target"}     // there is no such worker, or no other in the pool
	ErrNoHandler  error = &Error{Code: "no-handler"}    // the receiver has no handler for the type
	ErrHandler    error = &Error{Code: "handler-error"} // the receiver's handler failed
	ErrQueueFull  error = &Error{Code: "queue-full"}    // the receiver has too much to read already
	ErrForbidden  error = &Error{Code: "forbidden"}     // ipc.allow has no rule for it
	ErrTooLarge   error = &Error{Code: "too-large"}     // beyond ipc.maxMessageBytes or cache.maxEntryBytes
	ErrRefused    error = &Error{Code: "refused"}       // the receiver cannot decrypt it, or it is not what the schema says
	ErrLeaseLost  error = &Error{Code: "lease-lost"}    // computing took longer than the lease: nothing was stored
	ErrCacheOff   error = &Error{Code: "cache-off"}     // cache.enabled is false
	ErrClosed     error = &Error{Code: "closed"}        // the channel to drover is closed
)

// asError is the error as it goes over the wire: with its own code, or the one given.
func asError(err error, code string) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: code, Message: err.Error()}
}
