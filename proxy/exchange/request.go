package exchange

import (
	"io"
	"time"
)

// Field is one header or trailer line. The name keeps the case it was sent
// in, the value is without surrounding white space.
type Field struct{ Name, Value []byte }

// Request is one request to one upstream. The caller owns it and everything
// it points to until Do has failed or Response.Close has returned.
type Request struct {
	// Head is the request line, all header lines and the empty line, as they
	// go out. It says how the body is framed: Content-Length when Length is 0
	// or more and there is a Body, Transfer-Encoding: chunked when it is -1.
	Head []byte
	// Method decides about the framing of the response (HEAD has no body).
	Method string
	// Body is nil for a request without a body.
	Body Body
	// Length is the number of bytes in Body; -1: unknown, sent in chunks.
	Length int64
	// Upgrade names the protocol asked for, empty for none. Such a request
	// uses a connection of its own.
	Upgrade string
	// Expect withholds the body until the upstream sent 100 or a final
	// response, or a second has passed.
	Expect bool

	// Now is the present time, where the caller knows it; zero: Do asks the clock.
	Now time.Time

	// Connect bounds making a connection; FirstByte the time from the whole
	// request being sent to the response's first byte; ResponseIdle each wait
	// after that, and each wait while the upstream takes nothing of the body.
	// Zero is no bound.
	Connect, FirstByte, ResponseIdle time.Duration
	// Deadline ends everything, the body of the response included; the zero
	// time is none.
	Deadline time.Time
	// Cancel, if not nil, ends the exchange from another goroutine.
	Cancel *Cancel
	// Informational is given responses 1xx other than 100 and 101, by the
	// goroutine in Do. The fields are valid during the call. Nil drops them.
	Informational func(status int, fields []Field)
}

// Body is what a request carries. Read is called by one goroutine at a time,
// which is not the caller of Do unless the body is in memory.
//
// A Body may also have the method Bytes() ([]byte, bool), the whole body when
// it is already in memory; it is then sent together with the head.
type Body interface {
	// Read gives io.EOF right after the last byte. Any other error is the
	// client's and ends the exchange with Kind ClientBody.
	io.Reader
	// Interrupt makes a Read that waits return soon, with any error. It is
	// called at most once per exchange, and has no effect when the body has
	// been read to its end.
	Interrupt()
	// Trailer is valid after Read gave io.EOF; it is sent when Length is -1.
	Trailer() []Field
}

// fillable is what a Body may have so that the kernel moves its bytes.
type fillable interface {
	// Fillable reports whether what is left of the body is so long, and
	// comes from such a socket, that Fill is worth calling.
	Fillable() bool
	// Fill moves what there is of the body to the pipe, which is empty. It waits,
	// ends and fails as Read does; with ErrNoPipe the rest is read.
	Fill(p *Pipe) (int, error)
}

// inMemory is the optional method of a Body.
type inMemory interface {
	Bytes() ([]byte, bool)
}
