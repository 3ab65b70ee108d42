package proxy

import "bytes"

// Routing looks at a normalised copy of the path: escapes decoded once, empty
// and dot segments resolved, so that /v1/%2e%2e//admin is seen as /admin. What
// goes upstream is the path as it came.

// isPlainPath reports whether p is its own normal form.
func isPlainPath(p []byte) bool {
	for i, c := range p {
		switch c {
		case '%':
			return false
		case '/':
			if i+1 < len(p) && (p[i+1] == '/' || p[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// appendNormalPath appends the normal form of p, which begins with a slash and
// has only valid escapes, to dst.
func appendNormalPath(dst, p []byte) []byte {
	start := len(dst)
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '%' && i+2 < len(p) {
			c = unhex(p[i+1])<<4 | unhex(p[i+2])
			i += 2
		}
		dst = append(dst, c)
	}
	return dst[:start+removeDots(dst[start:])]
}

// removeDots resolves empty, . and .. segments in place and returns the new length.
func removeDots(p []byte) int {
	w := 0 // p[:w] is done and begins with a slash unless it is empty
	for r := 0; r < len(p); {
		// p[r] is a slash (or the start of a relative rest, which is kept).
		end := bytes.IndexByte(p[r+1:], '/')
		last := end < 0
		if last {
			end = len(p)
		} else {
			end += r + 1
		}
		seg := p[r+1 : end]
		switch {
		case len(seg) == 0 && !last, len(seg) == 1 && seg[0] == '.' && !last:
		case len(seg) == 2 && seg[0] == '.' && seg[1] == '.':
			w = max(bytes.LastIndexByte(p[:w], '/'), 0)
			if last {
				p[w] = '/'
				w++
			}
		case len(seg) == 1 && seg[0] == '.', len(seg) == 0:
			p[w] = '/'
			w++
		default:
			w += copy(p[w:], p[r:end])
		}
		r = end
	}
	if w == 0 && len(p) > 0 {
		p[0], w = '/', 1
	}
	return w
}

// validEscapes reports whether every % is followed by two hexadecimal digits.
func validEscapes(p []byte) bool {
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			continue
		}
		if i+2 >= len(p) || !isHex(p[i+1]) || !isHex(p[i+2]) {
			return false
		}
		i += 2
	}
	return true
}

// hasPathPrefix reports whether path lies at or below prefix: /v1 and /v1/ both
// take /v1 and /v1/x, and neither takes /v10.
func hasPathPrefix(path []byte, prefix string) bool {
	for len(prefix) > 0 && prefix[len(prefix)-1] == '/' {
		prefix = prefix[:len(prefix)-1]
	}
	if len(path) < len(prefix) || string(path[:len(prefix)]) != prefix {
		return false
	}
	return len(path) == len(prefix) || path[len(prefix)] == '/'
}

// stripPathPrefix returns what is left of target (path and query as they came)
// without prefix. The prefix may be spelled with escapes; spelled with empty or
// dot segments it cannot be cut off without guessing, and ok is false.
func stripPathPrefix(target []byte, prefix string) (rest []byte, ok bool) {
	for len(prefix) > 0 && prefix[len(prefix)-1] == '/' {
		prefix = prefix[:len(prefix)-1]
	}
	i := 0
	for k := 0; k < len(prefix); k++ {
		if i >= len(target) {
			return nil, false
		}
		c, size := target[i], 1
		if c == '%' && i+2 < len(target) {
			c, size = unhex(target[i+1])<<4|unhex(target[i+2]), 3
		}
		if c != prefix[k] {
			return nil, false
		}
		i += size
	}
	rest = target[i:]
	if len(rest) > 0 && rest[0] != '/' && rest[0] != '?' {
		return nil, false
	}
	return rest, true
}

func isHex(c byte) bool {
	return (c >= '0' && c <= '9') || (c|0x20 >= 'a' && c|0x20 <= 'f')
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
