package proxy

import "strconv"

// outgoing is what besides the message decides how it is written upstream.
type outgoing struct {
	target  []byte  // path and query, without the route's stripPrefix
	id      []byte  // request id
	trusted bool    // the peer's forwarding fields are believed
	edit    *edit   // the route's; may be nil
	sticky  *sticky // whose cookie is drover's own; may be nil
	drop    listed  // what the Connection fields of the message name
}

// appendHead appends the request line and header section to be sent upstream.
// Fields of this hop are left out first and drover's own added afterwards, so
// that nothing a client lists in Connection takes ours away.
func (o *outgoing) appendHead(dst []byte, m *message) []byte {
	o.drop.ofMessage(m)
	dst = append(dst, m.method...)
	dst = append(dst, ' ')
	dst = append(dst, o.target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	if o.edit != nil && o.edit.host != nil {
		dst = append(dst, o.edit.host...)
	} else {
		dst = append(dst, m.authority...)
	}
	dst = append(dst, "\r\n"...)
	for i := range m.fields {
		f := &m.fields[i]
		switch {
		case !o.passes(f.name, f.key):
		case o.sticky != nil && equalFold(f.key, "cookie"):
			dst = o.sticky.appendOthers(dst, f)
		default:
			dst = appendField(dst, f.key, f.value)
		}
	}
	dst = appendForwarding(dst, m, o.trusted, o.edit)
	if !o.edit.drops(requestID) {
		dst = appendField(dst, requestID, o.id)
	}
	dst = appendFraming(dst, m)
	if o.edit != nil {
		dst = append(dst, o.edit.lines...)
	}
	return append(dst, "\r\n"...)
}

// passes reports whether a field of the client's goes upstream as it is, be it of
// the header section or of the trailer.
func (o *outgoing) passes(n name, key []byte) bool {
	switch n {
	case nameHost, nameAlias, nameExpect, nameRequestID, nameForwardedFor, nameForwardedHost, nameForwardedProto:
		return false // written anew, or never passed on
	case nameForwarded:
		if !o.trusted {
			return false
		}
	case nameOther, nameAccept, nameTraceparent:
	default:
		return false // of this hop
	}
	return !o.edit.drops(key) && !o.drop.has(key)
}

// appendFraming appends the fields that say how the body is framed and what
// this connection is to be used for.
func appendFraming(dst []byte, m *message) []byte {
	switch {
	case m.length < 0:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case m.length > 0, m.has(nameContentLength):
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, m.length, 10)
		dst = append(dst, "\r\n"...)
	}
	if m.expect {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	switch {
	case m.upgrade != nil:
		dst = append(dst, "Connection: Upgrade\r\n"...)
		dst = appendField(dst, []byte("Upgrade"), m.upgrade)
	case m.listHas(nameTE, "trailers"):
		dst = append(dst, "Connection: TE\r\nTE: trailers\r\n"...)
	}
	return dst
}

func appendField(dst, key, value []byte) []byte {
	dst = append(dst, key...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}
