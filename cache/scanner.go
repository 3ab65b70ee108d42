package cache

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner walks through JSON text that is known to be valid, copying nothing.
// On text that is not, it may read nonsense, but it ends, and stays within the
// text; bad then says that it met something it did not expect.
type scanner struct {
	text []byte
	at   int
	bad  bool
}

// peek returns the next byte that is not a space; 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// take passes c if it comes next, and tells whether it did.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.at >= len(s.text) {
		return false
	}
	s.at++
	return true
}

// expect passes c.
func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.bad = true
	}
}

// more is asked before each element of a list or object that ends with end; n
// is how many were read. It passes commas and the end.
func (s *scanner) more(end byte, n int) bool {
	if s.bad || s.take(end) {
		return false
	}
	if n > 0 {
		s.expect(',')
	}
	return !s.bad
}

// next passes the comma before a further argument.
func (s *scanner) next() *scanner {
	s.expect(',')
	return s
}

// string reads a string. The bytes are of the text itself, unless it has escapes.
func (s *scanner) string() []byte {
	if s.bad || !s.take('"') {
		s.bad = true
		return nil
	}
	begin, escaped := s.at, false
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			s.at++
			if !escaped {
				return s.text[begin : s.at-1]
			}
			plain, err := jsontext.AppendUnquote(nil, s.text[begin-1:s.at])
			s.bad = s.bad || err != nil
			return plain
		case '\\':
			escaped = true
			s.at++
		}
		s.at++
	}
	s.bad = true
	return nil
}

// value reads any value, as text.
func (s *scanner) value() []byte {
	first := s.peek()
	begin := s.at
	switch {
	case s.bad || first == 0:
	case first == '"':
		s.skipString()
	case first == '[' || first == '{':
		s.skipNested()
	default:
		s.skipWord()
	}
	if s.bad || s.at == begin {
		s.bad = true
		return nil
	}
	return s.text[begin:s.at]
}

// skipString passes a string, however long, fast.
func (s *scanner) skipString() {
	s.at++
	for {
		rest := s.text[s.at:]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			s.at, s.bad = len(s.text), true
			return
		}
		escape := bytes.IndexByte(rest[:end], '\\')
		if escape < 0 {
			s.at += end + 1
			return
		}
		s.at = min(s.at+escape+2, len(s.text))
	}
}

// skipNested passes a list or an object.
func (s *scanner) skipNested() {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if s.skipString(); s.bad {
				return
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		s.at++
		if depth == 0 {
			return
		}
	}
	s.bad = true
}

// skipWord passes a number, true, false or null.
func (s *scanner) skipWord() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ',', ']', '}', ':', ' ', '\t', '\r', '\n', '"', '[', '{':
			return
		}
		s.at++
	}
}
