package ipc

import (
	"bytes"
	"io"
)

// firstBuffer is what a reader of lines begins with, in bytes; it grows with
// the lines and shrinks again after a long one.
const firstBuffer = 4 << 10

// lines reads lines of at most limit bytes and skips longer ones. It is not for
// concurrent use.
type lines struct {
	r     io.Reader
	limit int

	buf        []byte
	start, end int // what was read and not returned yet
	seen       int // up to here there is no line end
	skipping   bool
	err        error
}

func newLines(r io.Reader, limit int) *lines {
	return &lines{r: r, limit: limit, buf: make([]byte, firstBuffer)}
}

// next returns the next line without its end, valid until the following call.
// tooLong says that a line was skipped instead. A last line without an end
// counts as a line.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	for {
		if at := bytes.IndexByte(l.buf[l.seen:l.end], '\n'); at >= 0 {
			line = l.buf[l.start : l.seen+at]
			l.start = l.seen + at + 1
			l.seen = l.start
			if l.skipping {
				l.skipping = false
				return nil, true, nil
			}
			return bytes.TrimRight(line, "\r"), false, nil
		}
		l.seen = l.end
		if l.err != nil {
			return l.last()
		}
		l.room()
		var n int
		n, l.err = l.r.Read(l.buf[l.end:])
		l.end += n
	}
}

// last returns what stands behind the last line end, then the error.
func (l *lines) last() (line []byte, tooLong bool, err error) {
	line, tooLong = l.buf[l.start:l.end], l.skipping
	l.start, l.seen, l.skipping = l.end, l.end, false
	switch {
	case tooLong:
		return nil, true, nil
	case len(line) > 0:
		return bytes.TrimRight(line, "\r"), false, nil
	}
	return nil, false, l.err
}

// another says whether the next line is here already.
func (l *lines) another() bool { return bytes.IndexByte(l.buf[l.seen:l.end], '\n') >= 0 }

// room makes place for more.
func (l *lines) room() {
	if l.end-l.start > l.limit {
		l.skipping = true
	}
	if l.skipping || l.start == l.end {
		l.start, l.end, l.seen = 0, 0, 0
		if len(l.buf) > 64*firstBuffer { // after a long line
			l.buf = make([]byte, firstBuffer)
		}
		return
	}
	if l.end < len(l.buf) {
		return
	}
	to := l.buf
	if l.end-l.start > len(l.buf)/2 {
		to = make([]byte, 2*len(l.buf))
	}
	l.end = copy(to, l.buf[l.start:l.end])
	l.seen -= l.start
	l.start, l.buf = 0, to
}
