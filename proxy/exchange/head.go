package exchange

import (
	"bytes"
	"errors"
	"time"
)

const (
	// maxHead bounds a head: status line, fields, empty line.
	maxHead = 64 << 10
	// maxFields bounds the field lines of a head, and of a trailer section.
	maxFields = 256
)

var (
	errStatusLine   = errors.New("malformed status line")
	errHeadTooLarge = errors.New("head is larger than 64 KB")
	errFieldCount   = errors.New("more than 256 header fields")
	errFieldName    = errors.New("malformed header field name")
	errFieldValue   = errors.New("control character in a header field")
	errFolded       = errors.New("folded header field")
	errLength       = errors.New("malformed or contradicting Content-Length")
	errCoding       = errors.New("Transfer-Encoding is not exactly chunked")
)

// head parses the head of a response as it comes in. It keeps its place, so
// that a head that trickles in is not read again from its start.
//
// A line may end in LF alone (RFC 9112 §2.2 lets a recipient do so, and small
// servers need it); since the fields are handed on parsed, it goes no further.
// A CR anywhere else is refused.
type head struct {
	status int
	minor  int
	reason []byte
	fields []Field

	at      int  // where the first line not yet parsed starts
	started bool // the status line was parsed

	length   int64 // of Content-Length, -1 without one
	chunked  bool
	closes   bool          // Connection: close
	persists bool          // Connection: keep-alive
	hold     time.Duration // Keep-Alive: timeout=N, 0 without one
}

// begin makes h ready for a head; fields keeps its memory.
func (h *head) begin() {
	*h = head{fields: h.fields[:0], length: -1}
}

// parse reads on in b, which must start as it did at the last call. It returns
// the length of the head, or 0 when it is not complete.
func (h *head) parse(b []byte) (int, error) {
	if !h.started {
		const proto = "HTTP/1."
		if k := min(len(b), len(proto)); string(b[:k]) != proto[:k] {
			return 0, errStatusLine
		}
	}
	for {
		i := bytes.IndexByte(b[h.at:], '\n')
		if i < 0 && len(b) < maxHead {
			return 0, nil
		}
		if i < 0 || h.at+i >= maxHead {
			return 0, errHeadTooLarge
		}
		line := b[h.at : h.at+i]
		h.at += i + 1
		if i > 0 && line[i-1] == '\r' {
			line = line[:i-1]
		}
		switch {
		case !h.started:
			if err := h.statusLine(line); err != nil {
				return 0, err
			}
			h.started = true
		case len(line) == 0:
			return h.at, nil
		default:
			if err := h.field(line); err != nil {
				return 0, err
			}
		}
	}
}

// statusLine takes "HTTP/1.x SP 3DIGIT [SP reason]". The space after the code
// is missing in what some servers send when they have no reason.
func (h *head) statusLine(b []byte) error {
	const least = len("HTTP/1.1 200")
	if len(b) < least || b[8] != ' ' || !digit(b[7]) {
		return errStatusLine
	}
	if b[7] != '0' {
		h.minor = 1
	}
	if b[9] == '0' || !digit(b[9]) || !digit(b[10]) || !digit(b[11]) {
		return errStatusLine
	}
	h.status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	if len(b) == least {
		return nil
	}
	if b[least] != ' ' || !printable(b[least:]) {
		return errStatusLine
	}
	h.reason = b[least+1:]
	return nil
}

// field takes one header line, and notes what it says about framing and the
// connection.
func (h *head) field(line []byte) error {
	f, err := splitField(line)
	if err != nil {
		return err
	}
	keep := true
	switch len(f.Name) {
	case len("Connection"): // and Keep-Alive
		if equalFold(f.Name, "connection") {
			h.connection(f.Value)
		} else if equalFold(f.Name, "keep-alive") {
			h.hold = holdTime(f.Value)
		}
	case len("Content-Length"):
		if equalFold(f.Name, "content-length") {
			n, ok := decimal(f.Value)
			if !ok || h.length >= 0 && h.length != n {
				return errLength
			}
			keep = h.length < 0
			h.length = n
		}
	case len("Transfer-Encoding"):
		if equalFold(f.Name, "transfer-encoding") {
			if h.chunked || !equalFold(f.Value, "chunked") {
				return errCoding
			}
			h.chunked = true
		}
	}
	if len(h.fields) >= maxFields {
		return errFieldCount
	}
	if keep {
		h.fields = append(h.fields, f)
	}
	return nil
}

// connection notes the options of a Connection field that concern us.
func (h *head) connection(v []byte) {
	for len(v) > 0 {
		var option []byte
		option, v, _ = bytes.Cut(v, comma)
		option = trim(option)
		switch {
		case equalFold(option, "close"):
			h.closes = true
		case equalFold(option, "keep-alive"):
			h.persists = true
		}
	}
}

var comma = []byte{','}

// get is the value of the first field of that name, which is in lower case.
func get(fields []Field, name string) []byte {
	for i := range fields {
		if equalFold(fields[i].Name, name) {
			return fields[i].Value
		}
	}
	return nil
}
