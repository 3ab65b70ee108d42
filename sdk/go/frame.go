package drover

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// frame is what drover sends: the members of all verbs in one.
type frame struct {
	Verb      string          `json:"drover"`
	ID        uint64          `json:"id"`
	Seq       uint64          `json:"seq"`
	From      string          `json:"from"`
	Type      string          `json:"type"`
	Topic     string          `json:"topic"`
	Data      json.RawMessage `json:"data"`
	JWE       string          `json:"jwe"`
	Error     *Error          `json:"error"`
	TimeoutMs int64           `json:"timeoutMs"`

	GraceSeconds int64 `json:"graceSeconds"` // shutdown

	Time    time.Time `json:"time"` // event
	Kind    string    `json:"kind"`
	Subject string    `json:"subject"`
	Message string    `json:"message"`

	Namespace string   `json:"namespace"` // drop
	Keys      []string `json:"keys"`
	All       bool     `json:"all"`

	Receive *receiveKeys   `json:"receive"` // keys
	Send    map[string]key `json:"send"`
}

// parseFrame reads one line; ok is false for what is no frame of the protocol.
func parseFrame(line []byte) (f frame, ok bool) {
	if err := json.Unmarshal(line, &f); err != nil {
		return frame{}, false
	}
	return f, f.Verb != ""
}

// lines cuts a stream into lines. It has no limit of its own: what drover sends is bounded there.
type lines struct {
	in   *bufio.Reader
	long []byte
}

func newLines(r io.Reader) *lines {
	return &lines{in: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next line without its end, good until the next call. A last
// line without an end was cut short and is none.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	if cap(l.long) > 1<<20 {
		l.long = nil // the memory of one huge line is not kept
	}
	for {
		part, err := l.in.ReadSlice('\n')
		switch {
		case err == nil && len(l.long) == 0:
			return part[:len(part)-1], nil
		case err == nil:
			l.long = append(l.long, part[:len(part)-1]...)
			return l.long, nil
		case errors.Is(err, bufio.ErrBufferFull):
			l.long = append(l.long, part...)
		default:
			return nil, err
		}
	}
}
