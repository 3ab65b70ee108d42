package proxy

import (
	"bytes"
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// headFault says what to answer when the header section could not be read;
// nil fields of the refusal mean: nothing, there is nobody to tell.
func (h *h1) headFault(err error, buffered []byte) *refusal {
	line, _, complete := bytes.Cut(buffered, []byte("\n"))
	switch {
	case isTimeout(err):
		return &refusal{408, endClientTimeout, "the header section did not arrive in time"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isConnError(err):
		return &refusal{end: endClientClosed}
	case isSmallBuffer(err) && !complete:
		return &refusal{414, endTooLarge, "the request target is too long"}
	case isSmallBuffer(err):
		return &refusal{431, endTooLarge, "the header section is too large"}
	case complete && foreignVersion(line):
		return &refusal{505, endBadRequest, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
	}
	return badRequest("the request is malformed")
}

func isSmallBuffer(err error) bool {
	var small *fasthttp.ErrSmallBuffer
	return errors.As(err, &small)
}

// foreignVersion reports whether a request line ends in the name of an HTTP
// version that is none of ours.
func foreignVersion(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\r"))
	version := line[bytes.LastIndexByte(line, ' ')+1:]
	digits, ok := bytes.CutPrefix(version, []byte("HTTP/"))
	if !ok || len(digits) == 0 || bytes.HasPrefix(digits, []byte("1.")) {
		return false
	}
	for _, c := range digits {
		if (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return true
}

// parse checks what fasthttp lets through and fills the message.
func (h *h1) parse() *refusal {
	m, head := &h.m, &h.header
	m.method, m.proto = head.Method(), head.Protocol()
	switch string(m.proto) {
	case "HTTP/1.1":
		h.http11 = true
	case "HTTP/1.0":
		h.http11 = false
	default:
		return &refusal{505, endBadRequest, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
	}
	raw, target := head.RawHeaders(), head.RequestURI()
	if limit := h.t.limits.header; limit > 0 {
		if len(target) > limit {
			return &refusal{414, endTooLarge, "the request target is too long"}
		}
		if len(raw) > limit {
			return &refusal{431, endTooLarge, "the header section is too large"}
		}
	}
	if r := m.scan(raw, h.t.limits.headers); r != nil {
		return r
	}
	if string(m.method) == "CONNECT" {
		return &refusal{405, endBadRequest, "CONNECT is not for this server"}
	}
	if r := m.locate(target, h.http11); r != nil {
		return r
	}
	if len(m.authority) == 0 { // HTTP/1.0: the upstream is spoken to in 1.1 and must be given one
		m.authority = append([]byte(nil), h.c.local...) // not behind an empty Host: there lies the next field
	}
	if !h.http11 && m.has(nameTransferEncoding) {
		return badRequest("Transfer-Encoding does not exist in HTTP/1.0")
	}
	h.keep = h.keepAlive()
	return h.options()
}

// keepAlive reports whether the client would use the connection again, RFC 9112 section 9.3.
func (h *h1) keepAlive() bool {
	if h.http11 {
		return !h.m.listHas(nameConnection, "close")
	}
	return h.m.listHas(nameConnection, "keep-alive") && !h.m.listHas(nameConnection, "close")
}

// options looks at what the client asks for besides: Expect, Upgrade, a body of some size.
func (h *h1) options() *refusal {
	m := &h.m
	if m.has(nameExpect) {
		for i := range m.fields {
			if m.fields[i].name == nameExpect && !equalFold(m.fields[i].value, "100-continue") {
				return &refusal{417, endBadRequest, "this expectation cannot be met"}
			}
		}
		m.expect = h.http11 && m.length != 0
	}
	if limit := h.t.limits.body; limit > 0 && m.length > limit {
		return &refusal{413, endTooLarge, "the body is larger than this server takes"}
	}
	if m.has(nameUpgrade) && h.http11 && m.length == 0 && m.listHas(nameConnection, "upgrade") {
		item, _, _ := nextItem(m.first(nameUpgrade))
		// h2c would put HTTP/2 past everything that looks at requests here.
		if !equalFold(item, "h2c") && validProtocol(item) {
			m.upgrade = item
		}
	}
	return nil
}

// validProtocol checks protocol-name ["/" protocol-version], RFC 9110 section 7.8.
func validProtocol(s []byte) bool {
	name, version, versioned := bytes.Cut(s, []byte("/"))
	return isToken(name) && (!versioned || isToken(version))
}
