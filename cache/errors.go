package cache

// Error is why an operation was not done. Its codes are those of the wire
// (docs/ipc-protocol.md).
type Error struct{ Code, Message string }

// Error implements error.
func (e *Error) Error() string { return e.Message }

// The codes of errors.
const (
	CodeTooLarge          = "too-large"           // the entry, or what one frame asks for
	CodeNotANumber        = "not-a-number"        // increment of something else
	CodeBadOperation      = "bad-operation"       // not readable, or out of range
	CodeTooManyNamespaces = "too-many-namespaces" // there are MaxNamespaces already
	CodeLeaseLost         = "lease-lost"          // it ended, or is another's; nothing was stored
	CodeTimeout           = "timeout"             // waited in vain for the one that computes
	CodeTooManyRequests   = "too-many-requests"   // one worker holds or waits for too many leases
	CodeWorkerGone        = "worker-gone"         // it ended while it waited
)

func badOperation(message string) *Error { return &Error{CodeBadOperation, message} }
