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
		i := strings.IndexByte(s, '$')
		if i < 0 || i == len(s)-1 {
			out.WriteString(s)
			e.text = out.String()
			return e, nil
		}
		out.WriteString(s[:i])
		s = s[i:]
		switch s[1] {
		case '$':
			out.WriteByte('$')
			s, e.done = s[2:], true
			continue
		default:
			out.WriteByte('$')
			s = s[1:]
			continue
		case '{':
		}
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return e, &valueError{quote(s) + " has no closing brace", "write ${NAME}, or $$ for a dollar sign"}
		}
		reference := s[:end+1]
		s = s[end+1:]
		match := variable.FindStringSubmatch(reference[2:end])
		if match == nil {
			return e, &valueError{quote(reference) + " is not understood", "write ${NAME} or ${NAME:-default}, or $$ for a dollar sign"}
		}
		name := match[1]
		if keep && workerVariables[name] {
			if match[2] != "" {
				return e, &valueError{fmt.Sprintf("%s has a default, but drover always sets %s for a worker", quote(reference), name), "write ${" + name + "}"}
			}
			out.WriteString(reference)
			continue
		}
		e.names, e.done = append(e.names, name), true
		value, set := getenv(name)
		switch {
		case !utf8.ValidString(value):
			return e, &valueError{fmt.Sprintf("the environment variable %s is not UTF-8 text", name), "set it to UTF-8 text"}
		case value != "" || set && match[2] == "":
			out.WriteString(value)
		case match[2] != "":
			out.WriteString(match[3])
		default:
			return e, unset(name)
		}
	}
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
		if s[i] == '$' && !(keep && keptReference(s[i:])) {
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
