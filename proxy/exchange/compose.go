package exchange

import (
	"errors"
	"fmt"
	"strconv"
)

var errLengthDiffers = errors.New("body in memory is not as long as announced")

// compose lays out what is sent.
func (r *Response) compose(req *Request) error {
	r.pieces[0] = req.Head
	r.out = r.pieces[:1]
	if req.Body == nil {
		return nil
	}
	m, ok := req.Body.(inMemory)
	var b []byte
	if ok {
		b, ok = m.Bytes()
	}
	r.expecting = req.Expect
	switch {
	case !ok && req.Length == 0:
		r.expecting = false // the head is all there is
		return nil
	case !ok:
		r.streaming = req.Body
		return nil
	case req.Length >= 0 && int64(len(b)) != req.Length:
		return errLengthDiffers
	case req.Length >= 0:
		r.add(b)
	default:
		if len(b) > 0 {
			r.add(append(strconv.AppendInt(r.size[:0], int64(len(b)), 16), '\r', '\n'))
			r.add(b)
		}
		end, err := lastChunk(nil, len(b) > 0, req.Body.Trailer())
		if err != nil {
			return err
		}
		r.add(end)
	}
	if r.expecting {
		r.held, r.out = r.out[1:], r.out[:1]
	}
	return nil
}

func (r *Response) add(b []byte) {
	if len(b) > 0 {
		r.out = append(r.out, b)
	}
}

// headSent is called by the connection when the socket took n bytes of out at
// once. What is left, and a body that streams, goes on in the background.
func (r *Response) headSent(n int) {
	r.sent = int64(n)
	for len(r.out) > 0 && n >= len(r.out[0]) {
		n -= len(r.out[0])
		r.out = r.out[1:]
	}
	if len(r.out) > 0 {
		r.out[0] = r.out[0][n:]
		r.out, r.held = append(r.out, r.held...), nil // nobody holds a body with half a head before it
		r.expecting = false
	}
	if len(r.out) > 0 || r.streaming != nil && !r.expecting {
		r.upload()
	}
}

// upload starts sending what is left of the request.
func (r *Response) upload() {
	r.expecting = false
	r.up = newUpload(r)
	r.out, r.held, r.streaming = nil, nil, nil
	go r.up.run()
}

// proceed sends a body that was withheld.
func (r *Response) proceed() {
	r.out = r.held
	r.upload()
}

// lastChunk appends the end of a chunked body; after tells that b ends in data.
func lastChunk(b []byte, after bool, trailer []Field) ([]byte, error) {
	if after {
		b = append(b, '\r', '\n')
	}
	b = append(b, '0', '\r', '\n')
	for _, f := range trailer {
		if !validField(f) {
			return nil, fmt.Errorf("trailer %q: %w", f.Name, errFieldName)
		}
		b = append(append(b, f.Name...), ':', ' ')
		b = append(append(b, f.Value...), '\r', '\n')
	}
	return append(b, '\r', '\n'), nil
}

func validField(f Field) bool {
	for _, c := range f.Name {
		if !tokenByte[c] {
			return false
		}
	}
	return len(f.Name) > 0 && printable(f.Value)
}
