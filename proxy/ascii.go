package proxy

import "bytes"

// lower maps ASCII letters to lower case and leaves other bytes alone.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = byte(c) + 'a' - 'A'
	}
	return t
}()

// alike is lower with one spelling of names that applications cannot tell apart:
// where header names become variables (CGI, WSGI), X_Forwarded.For is
// X-Forwarded-For.
var alike = func() (t [256]byte) {
	t = lower
	t['_'], t['.'] = '-', '-'
	return t
}()

// token has true for the bytes of a token, RFC 9110 section 5.6.2.
var token = alphanumericAnd("!#$%&'*+-.^_`|~")

func alphanumericAnd(others string) (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'a' || (c >= 'A' && c <= 'Z')
	}
	for _, c := range others {
		t[c] = true
	}
	return t
}

func isToken[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if !token[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// tokenLength returns how much of s is a token at its start.
func tokenLength(s []byte) int {
	for i, c := range s {
		if !token[c] {
			return i
		}
	}
	return len(s)
}

// quotedLength returns how much of s is a quoted string at its start, RFC 9110
// section 5.6.4; 0 when there is none, or no end to it.
func quotedLength(s []byte) int {
	if len(s) == 0 || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if !validValue(s[:i]) {
				return 0
			}
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

// validValue reports whether s may stand in a field value: no control byte but tab.
func validValue[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 0x20 && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

// equalFold compares without regard to ASCII case; want is in lower case.
func equalFold(s []byte, want string) bool {
	return len(s) == len(want) && foldPrefix(s, want)
}

func foldPrefix(s []byte, want string) bool {
	if len(s) < len(want) {
		return false
	}
	for i := 0; i < len(want); i++ {
		if lower[s[i]] != want[i] {
			return false
		}
	}
	return true
}

// sameFold compares two strings without regard to ASCII case.
func sameFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if lower[c] != lower[b[i]] {
			return false
		}
	}
	return true
}

// equalName compares names of fields as applications may do it, see alike; want is in lower case.
func equalName(s []byte, want string) bool {
	if len(s) != len(want) {
		return false
	}
	for i := 0; i < len(want); i++ {
		if alike[s[i]] != alike[want[i]] {
			return false
		}
	}
	return true
}

// trim removes blanks (space and tab) at both ends.
func trim(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// nextItem cuts the first item off a comma-separated list; more is false when
// the list is used up.
func nextItem(list []byte) (item, rest []byte, more bool) {
	if list == nil {
		return nil, nil, false
	}
	i := bytes.IndexByte(list, ',')
	if i < 0 {
		return trim(list), nil, true
	}
	return trim(list[:i]), list[i+1:], true
}

// listHas reports whether the comma-separated list has the item, which is in lower case.
func listHas(list []byte, want string) bool {
	for {
		item, rest, more := nextItem(list)
		if !more {
			return false
		}
		if equalFold(item, want) {
			return true
		}
		list = rest
	}
}
