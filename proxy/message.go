package proxy

import (
	"net/netip"
	"time"

	"github.com/drover-proxy/drover/proxy/exchange"
)

// message is one request as routing, retry and logging see it, whichever front
// took it in. Its slices are the front's and hold until the handler returns.
type message struct {
	method    []byte
	target    []byte // path and query as they came, or *
	path      []byte // the part of target before the question mark, as it came
	authority []byte // host and port asked for; a front makes sure that there is one
	proto     []byte // HTTP/1.1, for the log
	secure    bool   // came over TLS
	fields    []field
	named     uint32 // bit 1<<name for each name that fields has

	length int64 // of the body; -1 when it is not known beforehand
	body   body  // nil: none
	expect bool  // the client waits for 100 before it sends the body

	upgrade []byte // protocol the client wants to switch to; nil: none

	peer     netip.Addr // who is connected; invalid for Unix sockets
	peerText []byte     // the same as text
	start    time.Time
	ended    time.Time        // set by the handler
	cancel   *exchange.Cancel // fires when the client has gone or the connection is to be cut
	link     clientLink
}

// field is one line of a header section.
type field struct {
	name
	key, value []byte
}

// now is the present time. Counted from the start of the request it is one look at
// a clock, where time.Now takes two.
func (m *message) now() time.Time { return m.start.Add(time.Since(m.start)) }

// has reports whether the message has a field of that name.
func (m *message) has(n name) bool { return m.named&(1<<n) != 0 }

// first returns the value of the first field of that name, or nil.
func (m *message) first(n name) []byte {
	if !m.has(n) {
		return nil
	}
	for i := range m.fields {
		if m.fields[i].name == n {
			return m.fields[i].value
		}
	}
	return nil
}

// value returns the value of the first field called key (in lower case), or nil.
func (m *message) value(key string) []byte {
	for i := range m.fields {
		if equalFold(m.fields[i].key, key) {
			return m.fields[i].value
		}
	}
	return nil
}

// listHas reports whether any field of that name lists the item.
func (m *message) listHas(n name, item string) bool {
	if !m.has(n) {
		return false
	}
	for i := range m.fields {
		if m.fields[i].name == n && listHas(m.fields[i].value, item) {
			return true
		}
	}
	return false
}

// body is the request's body on its way up. It is read by one goroutine at a
// time; an error other than io.EOF is the client's doing.
type body interface {
	exchange.Body
	// rewind makes the body readable from its start again; false when too much
	// of it was read to have been kept. Nobody may be reading.
	rewind() bool
	// received returns how many bytes of it came from the client.
	received() int64
	// fault returns what was wrong with it, or nil.
	fault() error
	// trailerBy has Trailer leave out what o does not pass.
	trailerBy(o *outgoing)
	// waited reports whether the upload was stopped while it waited for the
	// client: then it is not the upstream that took too long.
	waited() bool
}

// clientLink is what may become of the client while a request is under way.
type clientLink interface {
	gone() bool  // it was seen to have left
	ended() bool // drover ended the connection before its time
}

// responder is the way back to the client. Errors that it returns are the
// client's: it has gone or does not read.
type responder interface {
	// inform passes on an informational answer (1xx) at once, where the client
	// can take it, and reports whether it could.
	inform(status int, fields []exchange.Field) bool
	// reply sends a whole answer.
	reply(a *answer, body []byte) error
	// relay sends an answer's head and then the body as it comes, until it ends.
	relay(a *answer, src source) (sent int64, err error)
	// abort ends the connection after something went wrong on our side.
	abort()
	// tunnel sends the head of a 101 and gives the connection away, with the
	// bytes that were already read from it.
	tunnel(a *answer) (hijacked, error)
}

// source is the body of an answer that is passed on.
type source interface {
	// Ready reports whether Read gives something without waiting.
	Ready() bool
	Read(p []byte) (int, error)
	Trailer() []exchange.Field
}

// sourceError marks an error of relay as the source's, not the client's.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }
