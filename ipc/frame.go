package ipc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxFrame is the longest line, in bytes, that is read from a worker. A longer
// one is skipped as a whole and counted, so a worker cannot make drover grow.
const MaxFrame = 16 << 10

// frameKind is what a line from a worker means to drover.
type frameKind uint8

const (
	frameOther    frameKind = iota // a message nobody waits for yet
	frameReady                     // the worker says that it can serve
	frameInternal                  // the runtime's own traffic, not meant for us
)

// parseFrame tells what one line, without its line end, means. The error says
// that it was not JSON.
func parseFrame(line []byte) (frameKind, error) {
	var value any
	if err := json.Unmarshal(line, &value); err != nil {
		return frameOther, fmt.Errorf("read a message of a worker: %w", err)
	}
	switch v := value.(type) {
	case string:
		if v == "ready" {
			return frameReady, nil
		}
	case map[string]any:
		// Node.js sends its own messages (handles, cluster) over the same
		// channel; their cmd begins with NODE_.
		if cmd, ok := v["cmd"].(string); ok && strings.HasPrefix(cmd, "NODE_") {
			return frameInternal, nil
		}
		if v["type"] == "ready" {
			return frameReady, nil
		}
	}
	return frameOther, nil
}

// lines reads lines of at most MaxFrame bytes and skips longer ones.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, MaxFrame)} }

// next returns the next line without its end, valid until the following call.
// tooLong says that a line was skipped instead. A last line without an end
// counts as a line.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	line, err = l.r.ReadSlice('\n')
	if err == nil || (errors.Is(err, io.EOF) && len(line) > 0) {
		return bytes.TrimRight(line, "\r\n"), false, nil
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		_, err = l.r.ReadSlice('\n')
	}
	if tooLong {
		return nil, true, nil // an error comes again with the next call
	}
	return nil, false, err
}
