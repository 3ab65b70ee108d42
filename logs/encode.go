package logs

import (
	"strconv"
	"time"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// plain has true for the bytes that stand for themselves in a JSON string.
// Bytes from 0x80 on do so only where they are valid UTF-8, so they have false.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != 0x7f
	}
	return t
}()

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, so that the line is valid whatever a client or worker wrote.
func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if n := runeLength(s[i:]); n > 0 {
				i += n
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscaped(dst, c)
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// runeLength returns the length of the valid rune that s begins with, or 0.
func runeLength[T string | []byte](s T) int {
	var head [utf8.UTFMax]byte
	r, n := utf8.DecodeRune(head[:copy(head[:], s)])
	if r == utf8.RuneError && n <= 1 {
		return 0
	}
	return n
}

func appendEscaped(dst []byte, c byte) []byte {
	switch {
	case c >= utf8.RuneSelf:
		return append(dst, `\ufffd`...)
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// appendSeconds appends d in seconds as a JSON number with microseconds, without
// trailing zeros: 0.0012, 30, 0.
func appendSeconds(dst []byte, d time.Duration) []byte {
	if d < 0 {
		d = 0 // clocks that step back would otherwise give a negative duration
	}
	us := int64(d / time.Microsecond)
	dst = strconv.AppendInt(dst, us/1e6, 10)
	frac := us % 1e6
	if frac == 0 {
		return dst
	}
	digits := [7]byte{'.'}
	for i := 6; i > 0; i-- {
		digits[i] = byte('0' + frac%10)
		frac /= 10
	}
	n := len(digits)
	for digits[n-1] == '0' {
		n--
	}
	return append(dst, digits[:n]...)
}

// stamp writes times as RFC 3339 in UTC with milliseconds. It keeps the text of
// the last second, which most lines share. It needs a lock of its user's.
type stamp struct {
	second int64
	text   [len("2006-01-02T15:04:05")]byte
}

func (s *stamp) append(dst []byte, t time.Time) []byte {
	if sec := t.Unix(); sec != s.second || s.text[0] == 0 {
		s.second = sec
		t.UTC().AppendFormat(s.text[:0], "2006-01-02T15:04:05")
	}
	ms := t.Nanosecond() / int(time.Millisecond)
	dst = append(dst, s.text[:]...)
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// appendPrintable appends s for a terminal: control characters, with which a
// stranger could move the cursor or forge lines, and what is not UTF-8 are escaped.
func appendPrintable[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		n := 1
		switch {
		case c >= utf8.RuneSelf:
			// U+0080 to U+009F, two bytes that begin with 0xc2, are control characters as well.
			if n = runeLength(s[i:]); n == 0 || (c == 0xc2 && s[i+1] < 0xa0) {
				dst, n = append(dst, '\\', 'x', hex[c>>4], hex[c&0xf]), 1
				break
			}
			dst = append(dst, s[i:i+n]...)
		case c < 0x20 && c != '\t', c == 0x7f:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&0xf])
		default:
			dst = append(dst, c)
		}
		i += n
	}
	return dst
}
