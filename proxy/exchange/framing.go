package exchange

import "errors"

// framing is how the end of a response's body is known.
type framing uint8

const (
	noBody framing = iota
	byLength
	byChunks
	byClose
)

var (
	errBothLengths = errors.New("both Content-Length and Transfer-Encoding")
	errOldChunked  = errors.New("Transfer-Encoding in an HTTP/1.0 response")
)

// framing tells how the body of the final response h to a request with method
// is framed (RFC 9112 §6.3), and its length, -1 when that is not known.
func (h *head) framing(method string) (framing, int64, error) {
	switch {
	case h.chunked && h.length >= 0:
		return noBody, 0, errBothLengths
	case h.chunked && h.minor == 0:
		return noBody, 0, errOldChunked
	case method == "HEAD", h.status < 200, h.status == 204, h.status == 304:
		return noBody, 0, nil
	case h.chunked:
		return byChunks, -1, nil
	case h.length > 0:
		return byLength, h.length, nil
	case h.length == 0:
		return noBody, 0, nil
	}
	return byClose, -1, nil
}

// reusable reports whether the upstream keeps the connection open after the
// response.
func (h *head) reusable() bool {
	if h.minor == 0 {
		return h.persists && !h.closes
	}
	return !h.closes
}
