package exchange

import (
	"io"
	"net"
)

// Response is the upstream's answer. The zero value is ready for Do, and so is
// one that was closed: keep it in a sync.Pool. One goroutine uses it.
type Response struct {
	// Status is 101 or 200 to 999.
	Status int
	// Minor is the minor HTTP version the upstream spoke, 0 or 1.
	Minor int
	// Reason and Fields are valid until Close. Fields are as they came,
	// hop-by-hop ones included; equal Content-Length lines are merged.
	Reason []byte
	Fields []Field
	// Length is how many bytes Read will give: 0 when the response has no
	// body (also where HEAD or 304 carry a Content-Length), -1 when unknown.
	Length int64
}

// Read reads the body, decoded. It gives io.EOF at the end, and an *Error when
// the body was cut short or stalled.
func (r *Response) Read(p []byte) (int, error) { _ = p; return 0, io.EOF }

// WriteTo writes what is left of the body to w; an error that is no *Error
// comes from w. Large bodies are spliced when w is a *net.TCPConn or has its
// ReadFrom.
func (r *Response) WriteTo(w io.Writer) (int64, error) { _ = w; return 0, nil }

// Whole gives the complete body when all of it came with the head and nothing
// of it was read yet. It is valid until Close.
func (r *Response) Whole() ([]byte, bool) { return nil, false }

// Trailer gives the fields after a chunked body, valid from its io.EOF until
// Close.
func (r *Response) Trailer() []Field { return nil }

// Tunnel gives the connection after a 101, and the bytes that already came on
// it, which are valid until Close. From then on the connection is the
// caller's: neither Cancel nor Close ends it. Deadlines are off.
func (r *Response) Tunnel() (net.Conn, []byte) { return nil, nil }

// Close ends the exchange: it stops an upload that still goes on and waits for
// it, keeps the connection for the next request when it is clean and closes it
// otherwise. It never fails, and may be called again.
func (r *Response) Close() error { return nil }
