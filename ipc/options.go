package ipc

import (
	"time"

	"github.com/drover-proxy/drover/event"
)

// Options are what a hub goes by. The zero value of a limit is its default; a
// nil part is one that there is not.
type Options struct {
	MaxMessageBytes int             // of the data of one message; default 1 MB
	MaxDepth        int             // of its nesting; default 64
	RequestTimeout  time.Duration   // of requests, and of acknowledgements; default 5s
	QueueLength     int             // frames that wait for one worker; default 1000
	Types           Patterns        // types and topics that are known; none: all
	Schemas         *Schemas        // what the data of types must be
	ACL             *ACL            // who may send what to whom; nil: within a pool
	Keys            *Keyring        // not nil: payloads between workers are encrypted
	Pools           func() []string // that there may be workers of; nil: none have keys
	Audit           *AuditLog       // is told of every message
	AuditContent    bool            // it gets plain data, too

	Bus      *event.Bus // what workers may subscribe to
	Observer Observer   // counts messages
	Cache    Cache      // serves the cache frames of workers
	Metrics  AppMetrics // takes the numbers of workers
	// Load tells how many requests a worker of a pool has in flight and whether
	// it is ready for more. nil: none, and all are.
	Load func(pool, workerID string) (inFlight int64, ready bool)
}

// Observer counts messages. It is satisfied by *metrics.Metrics.
type Observer interface {
	// IPCMessage is told of each message and receiver: kind is send, broadcast,
	// publish, request, response, bare or event, or of another frame that was
	// refused; result is ok or the code of an error, perhaps an application's own.
	IPCMessage(kind, result string)
	// IPCRequest is told how long a request took, also one that failed.
	IPCRequest(d time.Duration)
}

// Cache is the cache that workers share. It is satisfied by *cache.Service.
type Cache interface {
	// Serve runs the operations of one frame of a worker: a JSON array, valid as
	// long as the call. reply is called once, during the call or later, with a
	// JSON array of their results, which is valid as long as reply runs.
	Serve(workerID string, ops []byte, reply func(result []byte))
	// Gone tells that the worker ended.
	Gone(workerID string)
}

// AppMetrics takes the numbers that workers hand in.
type AppMetrics interface {
	// Report takes the JSON array of a metrics frame, valid as long as the call.
	// The error says what was not taken, the first time that this happens to the
	// worker.
	Report(workerID, slot, pool string, metrics []byte) error
	// Gone tells that the worker ended.
	Gone(workerID string)
}

func (o *Options) complete() {
	if o.MaxMessageBytes <= 0 {
		o.MaxMessageBytes = 1 << 20
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 64
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = 5 * time.Second
	}
	if o.QueueLength <= 0 {
		o.QueueLength = 1000
	}
	if o.ACL == nil {
		o.ACL = &ACL{}
	}
}

// lineLimit is the longest line that is read from a worker, in bytes.
func (o *Options) lineLimit() int { return 2*o.MaxMessageBytes + 64<<10 }
