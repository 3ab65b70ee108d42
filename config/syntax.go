package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
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
	yamlPrefix = regexp.MustCompile(`^yaml: (line [0-9]+: )?`)
	tabIndent  = regexp.MustCompile(`^ *\t`)
)

// syntaxFault rewrites an error of the YAML library. The library's line is
// that of the construct in which parsing ended, or one beside it; ours is the
// first with which the file becomes wrong in this way.
func syntaxFault(file string, data []byte, err error) *FieldError {
	problem := yamlProblem(err)
	lines := bytes.SplitAfter(data, []byte("\n"))
	at := sort.Search(len(lines), func(i int) bool { // a parser that stops at its first error is monotonic
		return yamlProblem(parseAll(bytes.Join(lines[:i+1], nil))) == problem
	})
	at = min(at, len(lines)-1)
	fault := &FieldError{File: file, Line: at + 1}
	switch {
	case tabIndent.Match(lines[at]):
		fault.Problem, fault.Remedy = "YAML does not allow tabs for indentation", "use spaces"
	case strings.HasPrefix(problem, "unknown anchor"):
		fault.Problem = "an alias (*name) has no anchor: " + strings.ReplaceAll(problem, "'", "")
		fault.Remedy = "put the anchor (&name) above it"
	default:
		fault.Problem = "this is not valid YAML: " + problem
		fault.Remedy = "check indentation, colons, quotes and brackets there and just above"
	}
	return fault
}

func yamlProblem(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return text[len(yamlPrefix.FindString(text)):]
}

// parseAll returns the first error in a stream of documents.
func parseAll(data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		switch err := decodeYAML(dec, &doc); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
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
