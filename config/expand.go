package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var variable = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(:-([^{}]*))?$`)

// workerVariables are filled in by the supervisor for each worker, in the
// command of a pool; there they are left as they are.
var workerVariables = map[string]bool{"PORT": true, "SOCKET": true, "SLOT": true, "DROVER": true}

// expansion is a scalar of the file after substitution.
type expansion struct {
	text  string
	names []string // variables that were asked for
	done  bool     // something was replaced
}

// expand replaces ${NAME}, ${NAME:-default} and $$ in one scalar. A $ before
// anything else stays, so that shell commands can be written down. In a pool's
// command (keep) the worker's variables stay too.
func expand(s string, getenv func(string) (string, bool), keep bool) (expansion, *valueError) {
	var out strings.Builder
	var e expansion
	for {
		before, after, found := strings.Cut(s, "$")
		out.WriteString(before)
		switch {
		case !found:
			e.text = out.String()
			return e, nil
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			s, e.done = after[1:], true
		case strings.HasPrefix(after, "{"):
			inside, rest, closed := strings.Cut(after[1:], "}")
			if !closed {
				return e, &valueError{quote("$"+after) + " has no closing brace", "write ${NAME}, or $$ for a dollar sign"}
			}
			value, bad := e.reference(inside, getenv, keep)
			if bad != nil {
				return e, bad
			}
			out.WriteString(value)
			s = rest
		default:
			out.WriteByte('$')
			s = after
		}
	}
}

// reference returns what ${inside} stands for.
func (e *expansion) reference(inside string, getenv func(string) (string, bool), keep bool) (string, *valueError) {
	written := "${" + inside + "}"
	match := variable.FindStringSubmatch(inside)
	if match == nil {
		return "", &valueError{quote(written) + " is not understood", "write ${NAME} or ${NAME:-default}, or $$ for a dollar sign"}
	}
	name, hasDefault := match[1], match[2] != ""
	if keep && workerVariables[name] {
		if hasDefault {
			return "", &valueError{fmt.Sprintf("%s has a default, but drover always sets %s for a worker", quote(written), name), "write ${" + name + "}"}
		}
		return written, nil
	}
	e.names, e.done = append(e.names, name), true
	value, set := getenv(name)
	switch {
	case !utf8.ValidString(value):
		return "", &valueError{fmt.Sprintf("the environment variable %s is not UTF-8 text", name), "set it to UTF-8 text"}
	case value == "" && hasDefault:
		return match[3], nil
	case !set:
		return "", unset(name)
	}
	return value, nil
}

func unset(name string) *valueError {
	remedy := fmt.Sprintf("set it, or write ${%s:-default}, or $${%s} for this very text", name, name)
	if workerVariables[name] {
		remedy = fmt.Sprintf("set it, or write $${%s} for this very text; drover fills ${%s} in only in the command of a pool", name, name)
	}
	return &valueError{fmt.Sprintf("the environment variable %s is not set", name), remedy}
}

// escape is the inverse of expand for text that drover writes into a file.
func escape(s string, keep bool) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' && (!keep || !keptReference(s[i:])) {
			out.WriteByte('$')
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func keptReference(s string) bool {
	end := strings.IndexByte(s, '}')
	return end > 2 && s[1] == '{' && workerVariables[s[2:end]]
}
