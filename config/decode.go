package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// mostNodes bounds the work that aliases and merge keys can multiply.
const mostNodes = 1 << 18

// mostFaults is more than anybody reads.
const mostFaults = 1000

// decoder fills settings from a YAML tree by reflection. It is strict, and
// goes on after a fault so that all faults of a file are found at once.
type decoder struct {
	file    string
	getenv  func(string) (string, bool)
	origin  *origin
	faults  Faults
	visited int
	written int // bytes of the values of any form
}

// defaulter is a list element or mapping value that does not start from zero.
type defaulter interface{ setDefaults() }

func (d *decoder) fault(line int, key, problem, remedy string) {
	if len(d.faults) >= mostFaults {
		return
	}
	d.faults = append(d.faults, &FieldError{d.file, line, key, problem, remedy})
}

func (d *decoder) refuse(line int, key string, e *valueError) {
	d.fault(line, key, e.problem, e.remedy)
}

// spend counts a node and reports whether the tree has not grown beyond all
// measure; the fault is reported once.
func (d *decoder) spend(line int, key string) bool {
	d.visited++
	if d.visited == mostNodes {
		d.fault(line, key, fmt.Sprintf("the file holds more than %d values, aliases followed", mostNodes), "use fewer values or aliases")
	}
	return d.visited < mostNodes
}

// value decodes n into v, which is at path. A value that is refused leaves v
// as it was.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.defaults(v)
		d.value(n, v.Elem(), path)
		return
	}
	if v.Type() == reflect.TypeFor[Value]() {
		d.free(n, v, path)
		return
	}
	line := n.Line
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !d.spend(line, path) {
		return
	}
	if n.Style&yaml.TaggedStyle != 0 && !coreTag(n) {
		d.fault(line, path, "the tag "+quote(n.Tag)+" has no meaning here", "remove it")
		return
	}
	switch want := kindWanted(v); {
	case n.Kind == yaml.ScalarNode && want == yaml.ScalarNode:
		d.scalar(n, line, v, path)
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		d.fault(line, path, "has no value", "give it "+wantedName(want)+", or remove the key")
	case n.Kind != want:
		d.wrongKind(n, line, v, path)
	case want == yaml.SequenceNode:
		d.list(n, v, path)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, path)
	default:
		d.structure(n, v, path)
	}
}

func (d *decoder) defaults(pointer reflect.Value) {
	if def, ok := pointer.Interface().(defaulter); ok {
		def.setDefaults()
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	out := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		fresh := reflect.New(v.Type().Elem())
		d.defaults(fresh)
		key := index(path, i)
		d.origin.lines[key] = item.Line
		d.value(item, fresh.Elem(), key)
		out = reflect.Append(out, fresh.Elem())
	}
	v.Set(out)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	out := reflect.MakeMap(v.Type())
	for _, p := range d.pairs(n, path) {
		key := join(path, p.key)
		d.origin.lines[key] = p.line
		fresh := reflect.New(v.Type().Elem()).Elem()
		d.value(p.value, fresh, key)
		out.SetMapIndex(reflect.ValueOf(p.key), fresh)
	}
	v.Set(out)
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	for _, p := range d.pairs(n, path) {
		key := join(path, p.key)
		field, ok := fieldByKey(v.Type(), p.key)
		if !ok {
			d.fault(p.line, key, "unknown key", suggestKey(v.Type(), p.key))
			continue
		}
		d.origin.lines[key] = p.line
		d.value(p.value, v.FieldByIndex(field.Index), key)
	}
}

func (d *decoder) wrongKind(n *yaml.Node, line int, v reflect.Value, path string) {
	want := kindWanted(v)
	remedy := "write " + wantedName(want)
	switch {
	case want == yaml.SequenceNode && n.Kind == yaml.ScalarNode && strings.HasSuffix(path, "command"):
		remedy = "write one item for each argument: [" + strings.Join(strings.Fields(n.Value), ", ") + "]"
	case want == yaml.SequenceNode && n.Kind == yaml.ScalarNode:
		remedy = "write a list: [" + n.Value + "]"
	case want == yaml.SequenceNode:
		remedy = "write a list: put - before each item"
	case want == yaml.MappingNode:
		remedy = "write a mapping: key: value"
	}
	d.fault(line, path, "is "+kindOf(n)+" where "+wantedName(want)+" is needed", remedy)
}

// kindWanted returns the YAML kind that v is read from.
func kindWanted(v reflect.Value) yaml.Kind {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return yaml.ScalarNode
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return yaml.MappingNode
	case reflect.Slice:
		return yaml.SequenceNode
	}
	return yaml.ScalarNode
}

func wantedName(kind yaml.Kind) string {
	switch kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

func coreTag(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!map", "!!seq", "!!str", "!!int", "!!float", "!!bool", "!!null":
		return true
	}
	return false
}
