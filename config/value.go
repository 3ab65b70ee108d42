package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Value is a setting of any form, as JSON text; empty where there is none.
type Value string

const (
	// deepestValue ends aliases that name what they stand in.
	deepestValue = 100
	// largestValues bounds what aliases can multiply: text of all values of a file.
	largestValues = 16 << 20
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// free decodes a value of any form. Variables are replaced in text, as
// everywhere.
func (d *decoder) free(n *yaml.Node, v reflect.Value, path string) {
	w := valueWriter{d: d, root: path}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == "" {
		d.fault(n.Line, path, "has no value", "give it one, or remove the key")
	} else if w.write(n, path, 0) {
		v.SetString(w.out.String())
	}
}

// valueWriter writes one value of the file as JSON; its methods report whether
// they could, and the fault where not.
type valueWriter struct {
	d    *decoder
	root string // the key of the value
	out  bytes.Buffer
}

func (w *valueWriter) write(n *yaml.Node, path string, depth int) bool {
	line := n.Line
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case !w.d.spend(line, path):
		return false
	case depth > deepestValue:
		return w.refuse(line, w.root, fmt.Sprintf("is nested more than %d deep", deepestValue), "make it flatter")
	case n.Style&yaml.TaggedStyle != 0 && !coreTag(n):
		return w.refuse(line, path, "the tag "+quote(n.Tag)+" has no meaning here", "remove it")
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return w.list(n, path, depth)
	case yaml.MappingNode:
		return w.mapping(n, path, depth)
	}
	return w.scalar(n, line, path)
}

func (w *valueWriter) refuse(line int, path, problem, remedy string) bool {
	w.d.fault(line, path, problem, remedy)
	return false
}

func (w *valueWriter) list(n *yaml.Node, path string, depth int) bool {
	w.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if !w.write(item, index(path, i), depth+1) {
			return false
		}
	}
	w.out.WriteByte(']')
	return true
}

func (w *valueWriter) mapping(n *yaml.Node, path string, depth int) bool {
	w.out.WriteByte('{')
	for i, p := range w.d.pairs(n, path) {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if !w.text(p.key, p.line, path) {
			return false
		}
		w.out.WriteByte(':')
		if !w.write(p.value, join(path, p.key), depth+1) {
			return false
		}
	}
	w.out.WriteByte('}')
	return true
}

func (w *valueWriter) scalar(n *yaml.Node, line int, path string) bool {
	e, bad := expand(n.Value, w.d.getenv, false)
	if bad != nil {
		w.d.refuse(line, path, bad)
		return false
	}
	tag := n.ShortTag()
	if e.done && n.Style&quoted == 0 && n.Style&yaml.TaggedStyle == 0 { // typed after substitution
		tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: strings.TrimSpace(e.text)}).ShortTag()
	}
	text := strings.TrimSpace(e.text)
	switch tag {
	case "!!null":
		return w.raw("null", line)
	case "!!bool", "!!int", "!!float":
		return w.plain(text, tag, line, path)
	}
	return w.text(e.text, line, path)
}

// plain writes what is neither text nor null. A number keeps its digits where
// JSON writes numbers the same way.
func (w *valueWriter) plain(text, tag string, line int, path string) bool {
	if tag != "!!bool" && jsonNumber.MatchString(text) {
		return w.raw(text, line)
	}
	var value any
	if err := (&yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}).Decode(&value); err != nil {
		return w.refuse(line, path, quote(text)+" is not understood", "put it in quotes, if it is text")
	}
	if f, ok := value.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		return w.refuse(line, path, quote(text)+" is no number that JSON has", "put it in quotes, if it is text")
	}
	out, err := json.Marshal(value)
	if err != nil {
		return w.refuse(line, path, quote(text)+" is nothing that JSON has", "put it in quotes, if it is text")
	}
	return w.raw(string(out), line)
}

func (w *valueWriter) text(text string, line int, path string) bool {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil { // text can always be encoded
		return w.refuse(line, path, quote(text)+" is nothing that JSON has", "write something else")
	}
	return w.raw(string(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), line)
}

func (w *valueWriter) raw(text string, line int) bool {
	w.d.written += len(text)
	if w.d.written > largestValues {
		return w.refuse(line, w.root, fmt.Sprintf("the values of the file have more than %s, aliases followed", Size(largestValues)), "put them into a file")
	}
	w.out.WriteString(text)
	return true
}

// encodeFree is the inverse of decoder.free.
func encodeFree(v Value, escaped bool) *yaml.Node {
	dec := json.NewDecoder(bytes.NewReader([]byte(v)))
	dec.UseNumber()
	if node := readFree(dec, escaped); node != nil {
		return node
	}
	return textNode("")
}

func readList(dec *json.Decoder, escaped bool) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for item := readFree(dec, escaped); item != nil; item = readFree(dec, escaped) {
		list.Content = append(list.Content, item)
	}
	return list
}

func readObject(dec *json.Decoder, escaped bool) *yaml.Node {
	object := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for key := readFree(dec, false); key != nil; key = readFree(dec, false) { // nothing is replaced in keys
		object.Content = append(object.Content, key, readFree(dec, escaped))
	}
	return object
}

// readFree turns the next JSON value into a YAML node; nil at the end of a
// list or object, and of the text.
func readFree(dec *json.Decoder, escaped bool) *yaml.Node {
	token, err := dec.Token()
	if err != nil {
		return nil
	}
	switch token := token.(type) {
	case json.Delim:
		switch token {
		case '[':
			return readList(dec, escaped)
		case '{':
			return readObject(dec, escaped)
		}
		return nil
	case string:
		if escaped {
			token = escape(token, false)
		}
		return textNode(token)
	case json.Number:
		return plainNode(token.String())
	case bool:
		return plainNode(fmt.Sprint(token))
	}
	return plainNode("null")
}
