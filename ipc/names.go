package ipc

import (
	"errors"
	"fmt"
)

// maxName is the longest type or topic, in bytes.
const maxName = 128

// validName reports whether a type or topic has one that the protocol allows:
// 1 to 128 of A-Z a-z 0-9 . _ : / -, the first a letter or digit.
func validName[T string | []byte](name T) bool {
	return len(name) > 0 && isAlphanumeric(name[0]) && validPrefix(name)
}

// validPrefix reports whether at least one valid name may begin with prefix.
func validPrefix[T string | []byte](prefix T) bool {
	if len(prefix) > maxName || len(prefix) > 0 && !isAlphanumeric(prefix[0]) {
		return false
	}
	for i := range len(prefix) {
		switch c := prefix[i]; c {
		case '.', '_', ':', '/', '-':
		default:
			if !isAlphanumeric(c) {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// pattern stands for names: for one, or for all that begin in the same way.
type pattern struct {
	text string // without the *
	open bool   // names may go on after text
}

// parsePattern reads a name, or the beginning of one with * at its end.
func parsePattern(s string) (pattern, error) {
	if n := len(s) - 1; n >= 0 && s[n] == '*' {
		if validPrefix(s[:n]) {
			return pattern{text: s[:n], open: true}, nil
		}
	} else if validName(s) {
		return pattern{text: s}, nil
	}
	return pattern{}, fmt.Errorf("%.150q is neither a name nor the beginning of one with * at its end; a name has 1 to %d of A-Z a-z 0-9 . _ : / -, the first a letter or digit", s, maxName)
}

func (p pattern) String() string {
	if p.open {
		return p.text + "*"
	}
	return p.text
}

// matchPattern is no method, because those cannot be generic.
func matchPattern[T string | []byte](p pattern, name T) bool {
	if p.open && len(name) > len(p.text) {
		name = name[:len(p.text)]
	}
	return string(name) == p.text // compared in place, nothing is copied
}

// Patterns stand for the names that one of them matches; none stand for none.
type Patterns []pattern

// ParsePatterns reads names and beginnings of names with * at their end. The
// error tells of each one that is neither.
func ParsePatterns(texts []string) (Patterns, error) {
	patterns := make(Patterns, 0, len(texts))
	var faults []error
	for _, s := range texts {
		p, err := parsePattern(s)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		patterns = append(patterns, p)
	}
	return patterns, errors.Join(faults...)
}

// Match reports whether one of the patterns stands for the name.
func (ps Patterns) Match(name string) bool { return matchAny(ps, name) }

// MatchBytes is Match for a name that is not a string yet.
func (ps Patterns) MatchBytes(name []byte) bool { return matchAny(ps, name) }

func matchAny[T string | []byte](ps Patterns, name T) bool {
	for _, p := range ps {
		if matchPattern(p, name) {
			return true
		}
	}
	return false
}
