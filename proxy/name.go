package proxy

// name says which header field a field name is, where that makes a difference
// to a proxy. It spares comparing strings more than once per field.
type name uint8

const (
	nameOther name = iota
	nameHost
	nameConnection
	nameProxyConnection
	nameKeepAlive
	nameTE
	nameTransferEncoding
	nameContentLength
	nameUpgrade
	nameHTTP2Settings
	nameExpect
	nameAccept
	nameForwardedFor   // X-Forwarded-For
	nameForwardedHost  // X-Forwarded-Host
	nameForwardedProto // X-Forwarded-Proto
	nameForwarded      // Forwarded, X-Real-IP and every other X-Forwarded-*
	nameRequestID      // X-Request-Id
	nameTraceparent
	nameAlias // a forwarding name spelled with dots or underscores
)

// nameOf classifies a field name, without regard to case.
func nameOf(s []byte) name {
	if len(s) < 2 {
		return nameOther
	}
	// The first letter and the length leave at most two candidates.
	switch s[0] | 0x20 {
	case 'a':
		return only(s, "accept", nameAccept)
	case 'c':
		if len(s) == len("connection") {
			return only(s, "connection", nameConnection)
		}
		return only(s, "content-length", nameContentLength)
	case 'e':
		return only(s, "expect", nameExpect)
	case 'f':
		return only(s, "forwarded", nameForwarded)
	case 'h':
		if len(s) == len("host") {
			return only(s, "host", nameHost)
		}
		return only(s, "http2-settings", nameHTTP2Settings)
	case 'k':
		return only(s, "keep-alive", nameKeepAlive)
	case 'p':
		return only(s, "proxy-connection", nameProxyConnection)
	case 't':
		switch len(s) {
		case len("te"):
			return only(s, "te", nameTE)
		case len("traceparent"):
			return only(s, "traceparent", nameTraceparent)
		}
		return only(s, "transfer-encoding", nameTransferEncoding)
	case 'u':
		return only(s, "upgrade", nameUpgrade)
	case 'x':
		return forwardingName(s)
	}
	return nameOther
}

func only(s []byte, want string, n name) name {
	if equalFold(s, want) {
		return n
	}
	return nameOther
}

// forwardingName classifies names that begin with x. Applications that map
// header names to variables (CGI, WSGI) cannot tell X_Forwarded_For from
// X-Forwarded-For, so such spellings are aliases and never passed on.
func forwardingName(s []byte) name {
	if len(s) < len("x-real-ip") {
		return nameOther
	}
	var form [32]byte // longer than any that is in use; what they begin with decides
	s = s[:min(len(s), len(form))]
	alias := false
	for i, c := range s {
		alias = alias || c == '_' || c == '.'
		form[i] = dashed[c]
	}
	n := nameOther
	switch p := string(form[:len(s)]); {
	case p == "x-forwarded-for":
		n = nameForwardedFor
	case p == "x-forwarded-host":
		n = nameForwardedHost
	case p == "x-forwarded-proto":
		n = nameForwardedProto
	case p == "x-request-id":
		n = nameRequestID
	case p == "x-real-ip", len(p) > 12 && p[:12] == "x-forwarded-":
		n = nameForwarded
	}
	if alias && n != nameOther {
		return nameAlias
	}
	return n
}

// hopByHop reports whether a field speaks of this connection only, RFC 9110
// section 7.6.1, or frames the message and is therefore written anew.
func (n name) hopByHop() bool {
	switch n {
	case nameConnection, nameProxyConnection, nameKeepAlive, nameTE, nameTransferEncoding,
		nameContentLength, nameUpgrade, nameHTTP2Settings:
		return true
	}
	return false
}
