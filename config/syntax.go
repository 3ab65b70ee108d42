package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// largestFile bounds the time that reading takes; settings for a thousand
// pools fit.
const largestFile = 1 << 20

// parseYAML returns the mapping at the root of the one document in data.
func parseYAML(file string, data []byte) (*yaml.Node, *FieldError) {
	if fault := checkText(file, data); fault != nil {
		return nil, fault
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := decodeYAML(dec, &doc)
	switch {
	case errors.Is(err, io.EOF):
		return nil, emptyFile(file)
	case err != nil:
		return nil, syntaxFault(file, data, err)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, emptyFile(file)
	}
	if root.Kind != yaml.MappingNode {
		return nil, &FieldError{file, root.Line, "", "the file holds " + kindOf(root) + " where a mapping is needed", "begin with server: and pools:, as in config.example.yaml"}
	}
	switch err := decodeYAML(dec, &more); {
	case err == nil:
		return nil, &FieldError{file, more.Line, "", "a second YAML document begins here", "keep one document in a file and remove the line ---"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxFault(file, data, err)
	}
	return root, nil
}

// decodeYAML turns a panic of the library, which has had some on odd input,
// into an error.
func decodeYAML(dec *yaml.Decoder, node *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return dec.Decode(node)
}

func emptyFile(file string) *FieldError {
	return &FieldError{file, 1, "", "the file is empty", "write settings into it, such as those of config.example.yaml"}
}

// checkText finds what is no text, which the library reports without a line.
func checkText(file string, data []byte) *FieldError {
	if len(data) > largestFile {
		return &FieldError{file, 1, "", fmt.Sprintf("the file has %d bytes", len(data)), fmt.Sprintf("a settings file may have at most %s", Size(largestFile))}
	}
	for rest, line := data, 1; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && n == 1:
			return &FieldError{file, line, "", "the file is not UTF-8 text", "save it as UTF-8"}
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			return &FieldError{file, line, "", fmt.Sprintf("there is a control character (0x%02x)", r), "remove it"}
		}
		rest = rest[n:]
	}
	return nil
}

var (
	yamlLine  = regexp.MustCompile(`^line ([0-9]+): `)
	tabIndent = regexp.MustCompile(`(?m)^ *\t[\t ]*[^\t #\r\n]`)
)

// syntaxFault rewrites an error of the YAML library. Its line is that of the
// construct in which parsing ended, which may begin above the actual fault.
func syntaxFault(file string, data []byte, err error) *FieldError {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	fault := &FieldError{File: file, Line: 1, Remedy: "check indentation, colons, quotes and brackets there and just above"}
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		text = text[len(match[0]):]
		if n, err := strconv.Atoi(match[1]); err == nil {
			fault.Line = min(n, 1+bytes.Count(data, []byte("\n")))
		}
	}
	tab := tabIndent.FindIndex(data)
	switch {
	case tab != nil && (strings.Contains(text, "cannot start any token") || strings.Contains(text, "tab character")):
		fault.Line = 1 + bytes.Count(data[:tab[0]], []byte("\n"))
		fault.Problem, fault.Remedy = "YAML does not allow tabs for indentation", "use spaces"
	case strings.HasPrefix(text, "unknown anchor"):
		fault.Problem = "the alias has no anchor: " + strings.ReplaceAll(text, "'", "")
		fault.Remedy = "put the anchor (&name) above its alias (*name)"
	default:
		fault.Problem = "this is not valid YAML: " + text
	}
	return fault
}

// kindOf names what a node is, for messages.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "no value"
	case "!!bool":
		return n.Value
	case "!!int", "!!float":
		return "the number " + quote(n.Value)
	}
	return "the text " + quote(n.Value)
}
