package config

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FieldError is one fault of the settings: where it is, what is wrong there
// and what to do about it.
type FieldError struct {
	File    string // as it was named; empty when the settings are no file
	Line    int    // from 1; 0 when the settings are no file
	Key     string // dotted path, as in pools.app.upstreams[0].address; empty when the file is no YAML
	Problem string // what is wrong, with the value
	Remedy  string // what to do
}

// Error is FILE:LINE: key: what is wrong; what to do.
func (e *FieldError) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Faults are all faults of one settings file, in order of line. It is an
// error only when it is not empty.
type Faults []*FieldError

// Error has one fault on each line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sort() {
	sort.SliceStable(f, func(i, j int) bool {
		if f[i].Line != f[j].Line {
			return f[i].Line < f[j].Line
		}
		return f[i].Key < f[j].Key
	})
}

// cover reports whether a fault is at key or above it.
func (f Faults) cover(key string) bool {
	return slices.ContainsFunc(f, func(e *FieldError) bool { return e.Key == key || within(key, e.Key) })
}

// below reports whether a fault is below key.
func (f Faults) below(key string) bool {
	return slices.ContainsFunc(f, func(e *FieldError) bool { return within(e.Key, key) })
}

// within reports whether key is below parent.
func within(key, parent string) bool {
	rest, ok := strings.CutPrefix(key, parent)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// valueError is what a value is refused with; the caller adds where it is.
type valueError struct{ problem, remedy string }

func (e *valueError) Error() string { return e.problem + "; " + e.remedy }

// quote shows a value in a message: on one line, without control characters,
// and not longer than a reader needs to find it.
func quote(s string) string {
	const most = 60
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}

// join adds a mapping's key to the path of the mapping.
func join(path, key string) string {
	if !plainKey(key) {
		return path + "[" + quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// plainKey reports whether key can stand in a dotted path without quotes.
func plainKey(key string) bool {
	for _, r := range key {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return key != "" && len(key) <= 64
}
