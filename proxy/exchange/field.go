package exchange

import (
	"bytes"
	"encoding/binary"
	"time"
)

// tokenByte has the bytes of a field name (RFC 9110 §5.6.2).
var tokenByte = [256]bool{
	'!': true, '#': true, '$': true, '%': true, '&': true, '\'': true, '*': true,
	'+': true, '-': true, '.': true, '^': true, '_': true, '`': true, '|': true, '~': true,
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true,
	'J': true, 'K': true, 'L': true, 'M': true, 'N': true, 'O': true, 'P': true, 'Q': true, 'R': true,
	'S': true, 'T': true, 'U': true, 'V': true, 'W': true, 'X': true, 'Y': true, 'Z': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true,
	'j': true, 'k': true, 'l': true, 'm': true, 'n': true, 'o': true, 'p': true, 'q': true, 'r': true,
	's': true, 't': true, 'u': true, 'v': true, 'w': true, 'x': true, 'y': true, 'z': true,
}

// splitField takes a line without its end apart: token ":" OWS value OWS.
func splitField(line []byte) (Field, error) {
	i := 0
	for i < len(line) && tokenByte[line[i]] {
		i++
	}
	if i == len(line) || line[i] != ':' || i == 0 {
		if i == 0 && len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			return Field{}, errFolded
		}
		return Field{}, errFieldName
	}
	v := trim(line[i+1:])
	if !printable(v) {
		return Field{}, errFieldValue
	}
	return Field{Name: line[:i], Value: v}, nil
}

// trim takes spaces and tabs off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// printable reports whether b has no control character other than tab. Eight
// bytes are looked at together: the borrow of a subtraction shows in the top
// bit of a byte that is below 0x20, or equal to 0x7f. A hit may be a tab, or
// come from the byte before it, so the slow loop has the last word.
func printable(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		y := x ^ 0x7f*ones
		if ((x-0x20*ones)&^x|(y-ones)&^y)&tops != 0 {
			break
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// equalFold compares ASCII without case; lower is in lower case, and has no
// characters that fold from anything but letters.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// decimal reads 1*DIGIT that fits an int64.
func decimal(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if !digit(c) || n > (1<<63-1-int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// holdTime reads how long the upstream says it keeps an idle connection, from
// "timeout=5, max=100"; 0 when it does not say.
func holdTime(v []byte) time.Duration {
	for len(v) > 0 {
		var part []byte
		part, v, _ = bytes.Cut(v, comma)
		part = trim(part)
		const key = "timeout="
		if len(part) > len(key) && equalFold(part[:len(key)], key) {
			if n, ok := decimal(part[len(key):]); ok && n <= 24*60*60 {
				return time.Duration(n) * time.Second
			}
		}
	}
	return 0
}
