package proxy

import (
	"bytes"
	"net/netip"
)

// refusal says why a request is not taken. Nothing of it reaches an upstream
// and the connection ends with the answer, since where the next request would
// begin is not certain any more.
type refusal struct {
	status  int
	end     string
	message string
}

func badRequest(message string) *refusal { return &refusal{400, endBadRequest, message} }

// scan splits the raw header section (without the request line) into fields. It
// is strict where parsers are known to differ, because what is understood in
// two ways is how requests are smuggled: RFC 9112 sections 2.2, 5 and 6.
func (m *message) scan(raw []byte, limit int) *refusal {
	m.fields, m.named = m.fields[:0], 0
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return badRequest("a header line does not end in CR LF")
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			if len(raw) > 0 {
				return badRequest("the header section goes on after its end")
			}
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !isToken(line[:colon]) {
			return badRequest("a header line has no valid name")
		}
		value := trim(line[colon+1:])
		if !validValue(value) {
			return badRequest("a header value has a control byte")
		}
		if limit > 0 && len(m.fields) >= limit {
			return &refusal{431, endTooLarge, "too many header lines"}
		}
		n := nameOf(line[:colon])
		m.fields = append(m.fields, field{n, line[:colon], value})
		m.named |= 1 << n
	}
	return m.frame()
}

// frame checks the fields that say how long the body is and sets length.
func (m *message) frame() *refusal {
	m.length = 0
	const framing = 1<<nameTransferEncoding | 1<<nameContentLength
	if m.named&framing == 0 {
		return nil
	}
	if m.named&framing == framing {
		return badRequest("both Content-Length and Transfer-Encoding")
	}
	seen := false
	for i := range m.fields {
		f := &m.fields[i]
		switch f.name {
		case nameTransferEncoding:
			if seen || !equalFold(f.value, "chunked") {
				return badRequest("Transfer-Encoding is not exactly chunked")
			}
			m.length, seen = -1, true
		case nameContentLength:
			n, ok := parseLength(f.value)
			if !ok || (seen && n != m.length) {
				return badRequest("Content-Length is malformed")
			}
			m.length, seen = n, true
		}
	}
	return nil
}

// parseLength reads a decimal number without sign, blanks or overflow.
func parseLength(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > 18 { // 18 digits always fit
		return 0, false
	}
	var n int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// locate takes the request target apart and settles which host is asked for,
// RFC 9112 section 3.2. With a target in absolute form its authority counts and
// the Host field is rewritten, so that both never differ upstream.
func (m *message) locate(target []byte, http11 bool) *refusal {
	hosts := 0
	for i := range m.fields {
		if m.fields[i].name == nameHost {
			hosts++
			m.authority = m.fields[i].value
		}
	}
	if hosts == 0 {
		m.authority = nil
	}
	if hosts > 1 || (http11 && hosts == 0) {
		return badRequest("there must be exactly one Host")
	}
	if !validAuthority(m.authority) { // also where the target's takes its place
		return badRequest("Host is not a host")
	}
	switch {
	case len(target) == 0:
		return badRequest("the request target is empty")
	case target[0] == '/':
		m.target = target
	case len(target) == 1 && target[0] == '*' && string(m.method) == "OPTIONS":
		m.target = target
	default:
		if r := m.absolute(target); r != nil {
			return r
		}
	}
	if !validAuthority(m.authority) || (http11 && len(m.authority) == 0) {
		return badRequest("Host is not a host")
	}
	for _, c := range m.target {
		// A # would begin a fragment, which is never sent; parsers differ on what it means.
		if c <= ' ' || c >= 0x7f || c == '#' {
			return badRequest("the request target has a byte that must be escaped")
		}
	}
	m.path = m.target
	if q := bytes.IndexByte(m.target, '?'); q >= 0 {
		m.path = m.target[:q]
	}
	if !validEscapes(m.path) {
		return badRequest("the path has a broken escape")
	}
	return nil
}

// absolute handles a target in absolute form.
func (m *message) absolute(target []byte) *refusal {
	rest := target
	switch {
	case foldPrefix(rest, "http://"):
		rest = rest[len("http://"):]
	case foldPrefix(rest, "https://"):
		rest = rest[len("https://"):]
	default:
		return badRequest("the request target is neither a path nor a URL")
	}
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	m.authority = rest[:end]
	if len(m.authority) == 0 {
		return badRequest("the request target has no host")
	}
	switch path := rest[end:]; {
	case len(path) == 0 && string(m.method) == "OPTIONS":
		m.target = star
	case len(path) == 0:
		m.target = slash
	case path[0] == '/':
		m.target = path
	default: // ?query without a path
		m.target = append([]byte{'/'}, path...)
	}
	return nil
}

var (
	star  = []byte("*")
	slash = []byte("/")
)

// hostByte has true for the bytes of a registered name, RFC 3986 section 3.2.2, less
// the comma, with which two Host lines would look like one.
var hostByte = alphanumericAnd("-._~!$&'()*+;=%")

// validAuthority reports whether s can be a host with an optional port. To a Host
// that is none a server must answer 400, RFC 9112 section 3.2: what is read out of
// it depends on the reader.
func validAuthority(s []byte) bool {
	if len(s) > 0 && s[0] == '[' {
		end := bytes.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		a, err := netip.ParseAddr(string(s[1:end]))
		port, ok := bytes.CutPrefix(s[end+1:], []byte(":"))
		return err == nil && a.Is6() && a.Zone() == "" && (ok || len(port) == 0) && validPort(port)
	}
	host, port, _ := bytes.Cut(s, []byte(":"))
	for _, c := range host {
		if !hostByte[c] {
			return false
		}
	}
	return validEscapes(host) && validPort(port)
}

// validPort takes an empty port too, RFC 3986 section 3.2.3.
func validPort(s []byte) bool {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
		if n = 10*n + int(c-'0'); n > 65535 {
			return false
		}
	}
	return true
}
