package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// largestEnvFile is far above what an environment can hold.
const largestEnvFile = 1 << 20

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// ReadEnvFile returns the variables of a file of KEY=VALUE lines as KEY=VALUE,
// in order, the last value of a name only. Empty lines and those that begin
// with # are passed over, as is an export before the name. A value may stand
// in single quotes (taken as it is) or double quotes (\n, \t, \r, \", \\ and \$
// are understood), and may then go over several lines; without quotes it ends
// before " #". Nothing is substituted. An error names file and line.
func ReadEnvFile(path string) ([]string, error) {
	data, err := readRegular(path, largestEnvFile)
	if err != nil {
		return nil, err
	}
	vars, line, err := parseEnv(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return vars, nil
}

// readRegular reads a small file. A pipe or a device could block for ever.
func readRegular(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist", quote(path))
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", quote(path), cause(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", quote(path))
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes, more than %s", quote(path), info.Size(), Size(most))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", quote(path), cause(err))
	}
	defer func() { _ = file.Close() }() // only read from
	return io.ReadAll(io.LimitReader(file, most))
}

// parseEnv returns the line of the fault with an error.
func parseEnv(text string) (vars []string, line int, err error) {
	place := map[string]int{}
	line = 1
	for text != "" {
		var first string
		first, rest, _ := strings.Cut(text, "\n")
		entry := strings.TrimSpace(first)
		if entry == "" || entry[0] == '#' {
			text, line = rest, line+1
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
		if !ok || !envName.MatchString(name) {
			return nil, line, fmt.Errorf("%s is not KEY=VALUE", quote(name))
		}
		lines := 1
		if value = strings.TrimSpace(value); value != "" && (value[0] == '"' || value[0] == '\'') {
			_, after, _ := strings.Cut(text, "=")
			after = strings.TrimLeft(after, " \t")
			var used int
			if value, used, err = quotedValue(after); err != nil {
				return nil, line, fmt.Errorf("%s: %w", name, err)
			}
			lines += strings.Count(after[:used], "\n")
			tail, next, _ := strings.Cut(after[used:], "\n")
			if tail = strings.TrimSpace(tail); tail != "" && tail[0] != '#' {
				return nil, line + lines - 1, fmt.Errorf("%s: there is text after the closing quote", name)
			}
			rest = next
		} else {
			value = withoutComment(value)
		}
		if strings.ContainsRune(value, 0) {
			return nil, line, fmt.Errorf("%s has a NUL character", name)
		}
		if i, again := place[name]; again {
			vars[i] = name + "=" + value
		} else {
			place[name] = len(vars)
			vars = append(vars, name+"="+value)
		}
		text, line = rest, line+lines
	}
	return vars, line, nil
}

func withoutComment(value string) string {
	for i := range value {
		if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}

// quotedValue reads the quoted text that s begins with and returns how many
// bytes it took, both quotes included.
func quotedValue(s string) (value string, used int, err error) {
	quote := s[0]
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return out.String(), i + 1, nil
		case s[i] == '\\' && quote == '"' && i+1 < len(s):
			i++
			out.WriteString(unescape(s[i]))
		case s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n':
		default:
			out.WriteByte(s[i])
		}
	}
	return "", 0, errors.New("the closing quote is missing")
}

func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '"', '\\', '$':
		return string(c)
	}
	return `\` + string(c)
}
