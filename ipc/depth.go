package ipc

import "bytes"

// tooDeep reports whether valid JSON nests objects and arrays more than limit
// deep. A value that is neither is 0 deep, {} and [] are 1 deep.
func tooDeep(json []byte, limit int) bool {
	// Most need no closer look: they are too short, or have too few brackets, those in strings included.
	if len(json) < 2*(limit+1) || bytes.Count(json, []byte{'['})+bytes.Count(json, []byte{'{'}) <= limit {
		return false
	}
	depth := 0
	for i := 0; i < len(json); i++ {
		switch json[i] {
		case '"':
			i = endOfString(json, i)
		case '[', '{':
			if depth++; depth > limit {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

// endOfString returns where the string that begins at start has its closing quote.
func endOfString(json []byte, start int) int {
	for i := start + 1; i < len(json); i++ {
		quote := bytes.IndexByte(json[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		escapes := 0
		for json[i-1-escapes] == '\\' { // ends at the opening quote at the latest
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
	return len(json) // cannot happen with valid JSON
}
