package ipc

import "bytes"

// firstBuffer is what a reader of lines begins with, in bytes; it grows with
// the lines and shrinks again after a long one.
const firstBuffer = 4 << 10

// lines cuts what is read into lines of at most limit bytes and skips longer
// ones. Read into space, tell took, then ask next until there is none. It is not
// for concurrent use.
type lines struct {
	limit int

	buf        []byte
	start, end int // what was read and not returned yet
	seen       int // up to here there is no line end
	skipping   bool
}

func newLines(limit int) *lines { return &lines{limit: limit, buf: make([]byte, firstBuffer)} }

// space is where the next bytes go; it is never empty. Lines that were returned
// are not valid any more.
func (l *lines) space() []byte {
	if l.end-l.start > l.limit {
		l.skipping = true
	}
	switch {
	case l.skipping || l.start == l.end:
		l.start, l.end, l.seen = 0, 0, 0
		if len(l.buf) > 64*firstBuffer { // after a long line
			l.buf = make([]byte, firstBuffer)
		}
	case l.end == len(l.buf):
		to := l.buf
		if l.end-l.start > len(l.buf)/2 {
			to = make([]byte, 2*len(l.buf))
		}
		l.end = copy(to, l.buf[l.start:l.end])
		l.seen -= l.start
		l.start, l.buf = 0, to
	}
	return l.buf[l.end:]
}

// took notes that n bytes were read into space.
func (l *lines) took(n int) { l.end += n }

// next returns the next line without its end, valid until space is asked for.
// tooLong says that a line was skipped instead.
func (l *lines) next() (line []byte, tooLong, ok bool) {
	at := bytes.IndexByte(l.buf[l.seen:l.end], '\n')
	if at < 0 {
		l.seen = l.end
		return nil, false, false
	}
	line = l.buf[l.start : l.seen+at]
	l.start = l.seen + at + 1
	l.seen = l.start
	if l.skipping || len(line) > l.limit {
		l.skipping = false
		return nil, true, true
	}
	return bytes.TrimRight(line, "\r"), false, true
}

// last returns what stands behind the last line end, when nothing comes any more.
func (l *lines) last() (line []byte, tooLong, ok bool) {
	line, tooLong = l.buf[l.start:l.end], l.skipping || l.end-l.start > l.limit
	l.start, l.seen, l.skipping = l.end, l.end, false
	if tooLong {
		return nil, true, true
	}
	return bytes.TrimRight(line, "\r"), false, len(line) > 0
}
