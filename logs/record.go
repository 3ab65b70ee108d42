package logs

import "time"

// Record is what the log says of one request. What came over the wire is bytes,
// which are copied; they may be reused as soon as AccessLog.Log returned.
type Record struct {
	Time             time.Time // when the request began
	RequestID        []byte
	TraceID          []byte // empty: the key is left out
	Client           []byte // address of the client
	Listener         string
	Method           []byte
	Host             []byte
	Path             []byte // without the query
	Proto            []byte // HTTP/1.1
	Status           int
	BytesIn          int64 // of the request's body
	BytesOut         int64 // of the response's body
	Duration         time.Duration
	Pool             string
	Upstream         string // id of the last one tried
	Attempts         int
	UpstreamDuration time.Duration
	QueueWait        time.Duration
	End              string // why it ended: ok, client-closed, …
}

// succeeded reports whether sampling and exclusion apply to the request.
func (r *Record) succeeded() bool { return r.End == "ok" && r.Status < 400 }
