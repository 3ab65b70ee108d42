package proxy

import "math/rand/v2"

const (
	requestIDLength = 32  // of those we make: 128 random bits
	requestIDMax    = 128 // of those we take from a trusted proxy
	hexDigits       = "0123456789abcdef"
)

// appendRequestID appends a new request id. The generator is the runtime's,
// which is seeded by the kernel, has a state per thread and does not repeat.
func appendRequestID(dst []byte) []byte {
	return appendHex64(appendHex64(dst, rand.Uint64()), rand.Uint64())
}

func appendHex64(dst []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&0xf])
	}
	return dst
}

// validRequestID reports whether an id that a trusted proxy sent is one that
// can be logged and passed on.
func validRequestID(id []byte) bool {
	if len(id) == 0 || len(id) > requestIDMax {
		return false
	}
	for _, c := range id {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// traceID returns the trace id of a traceparent value, or nil.
// Form: 00-32 hexadecimal digits-16-2 (W3C Trace Context).
func traceID(traceparent []byte) []byte {
	if len(traceparent) < 55 || traceparent[2] != '-' || traceparent[35] != '-' {
		return nil
	}
	for _, c := range traceparent[3:35] {
		if !isHex(c) {
			return nil
		}
	}
	return traceparent[3:35]
}
