package proxy

import "bytes"

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

// forwardingName classifies names that begin with x. Spellings that applications
// may take for one of them are aliases and never passed on.
func forwardingName(s []byte) name {
	const every = "x-forwarded-"
	n := nameForwarded
	switch {
	case equalName(s, "x-forwarded-for"):
		n = nameForwardedFor
	case equalName(s, "x-forwarded-host"):
		n = nameForwardedHost
	case equalName(s, "x-forwarded-proto"):
		n = nameForwardedProto
	case equalName(s, "x-request-id"):
		n = nameRequestID
	case equalName(s, "x-real-ip"), len(s) > len(every) && equalName(s[:len(every)], every):
	default:
		return nameOther
	}
	if bytes.IndexByte(s, '_') >= 0 || bytes.IndexByte(s, '.') >= 0 {
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
