package cache

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lines reads a file line by line, and skips lines that are too long.
type lines struct {
	in     *bufio.Reader
	max    int
	number int // of the line that was returned last, from 1
}

func newLines(r io.Reader, longest int64) *lines {
	return &lines{in: bufio.NewReaderSize(r, 64<<10), max: int(longest)}
}

var errLongLine = errors.New("the line is longer than an entry may be (cache.maxEntryBytes)")

// next returns the next line that is not empty, without its end; errLongLine
// where it is too long; io.EOF when there is none.
func (l *lines) next() ([]byte, error) {
	for {
		text, err := l.line()
		if err != nil || len(bytes.TrimSpace(text)) > 0 {
			return text, err
		}
	}
}

func (l *lines) line() ([]byte, error) {
	l.number++
	var whole []byte
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if long = long || len(whole)+len(part) > l.max; !long {
			whole = append(whole, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(whole) == 0 && !long:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read: %w", err)
		case long:
			return nil, errLongLine
		}
		return bytes.TrimSuffix(whole, []byte("\n")), nil
	}
}

// longestLine is the longest line that an entry can need: each byte of its key
// and tags may be six in JSON, and the value may have been written with spaces.
func (s *Store) longestLine() int64 {
	return 2*s.opts.MaxEntryBytes + 6*(MaxKey+MaxTags*MaxTag) + 4096
}
