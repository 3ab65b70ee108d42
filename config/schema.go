package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// schemaDialect is JSON Schema draft 2020-12.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// node is one schema; encoding/json writes its keys in alphabetical order.
type node = map[string]any

// Schema returns the JSON Schema of the settings file, for editors and other
// programs. It accepts what Load accepts as far as a schema can say it:
// references between settings and what is on the machine are not in it.
func Schema() ([]byte, error) {
	comments, err := describe()
	if err != nil {
		return nil, fmt.Errorf("read the descriptions of the settings: %w", err)
	}
	s := schemaBuilder{comments: comments, defs: node{}}
	root := s.structure(reflect.TypeFor[Config](), reflect.ValueOf(*Default()))
	root["$schema"] = schemaDialect
	root["title"] = "drover settings"
	root["required"] = []string{"server"}
	s.scalars()
	root["$defs"] = s.defs
	return json.MarshalIndent(root, "", "  ")
}

type schemaBuilder struct {
	comments map[string]string
	defs     node
}

// structure describes struct type t; value holds the defaults.
func (s *schemaBuilder) structure(t reflect.Type, value reflect.Value) node {
	properties := node{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := fieldKey(f)
		if name == "" {
			continue
		}
		property := s.value(f.Type, value.Field(i), f.Tag)
		property["description"] = s.comments[t.Name()+"."+f.Name]
		if def, ok := schemaDefault(value.Field(i)); ok {
			property["default"] = def
		}
		properties[name] = property
	}
	return node{"type": "object", "properties": properties, "additionalProperties": false}
}

// define puts a struct that stands in a list or under free names into $defs,
// with the defaults that each of them begins with.
func (s *schemaBuilder) define(t reflect.Type) node {
	name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
	if _, done := s.defs[name]; !done {
		value := reflect.New(t)
		if def, ok := value.Interface().(defaulter); ok {
			def.setDefaults()
		}
		s.defs[name] = s.structure(t, value.Elem())
	}
	return node{"$ref": "#/$defs/" + name}
}

func (s *schemaBuilder) value(t reflect.Type, value reflect.Value, tag reflect.StructTag) node {
	switch t {
	case reflect.TypeFor[Duration](), reflect.TypeFor[*Duration]():
		return ref("duration")
	case reflect.TypeFor[Size]():
		return ref("size")
	case reflect.TypeFor[Percent]():
		return ref("percent")
	case reflect.TypeFor[Count]():
		return ref("count")
	case reflect.TypeFor[Value]():
		return node{}
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.structure(t, value)
	case reflect.Slice:
		return node{"type": "array", "items": s.element(t.Elem(), tag)}
	case reflect.Map:
		out := node{"type": "object", "additionalProperties": s.element(t.Elem(), tag)}
		if t.Elem() == reflect.TypeFor[*Pool]() {
			out["propertyNames"] = node{"pattern": poolName.String()}
		}
		return out
	case reflect.Bool:
		return substitutable(node{"type": "boolean"})
	case reflect.Int, reflect.Float64:
		return substitutable(numeric(t, tag))
	}
	if list, ok := tag.Lookup("enum"); ok {
		return substitutable(node{"enum": strings.Split(list, ",")})
	}
	return ref("text")
}

func (s *schemaBuilder) element(t reflect.Type, tag reflect.StructTag) node {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		return s.define(t)
	}
	return s.value(t, reflect.Zero(t), tag)
}

func numeric(t reflect.Type, tag reflect.StructTag) node {
	kind := "number"
	if t.Kind() == reflect.Int {
		kind = "integer"
	}
	low, high, limited := rangeOf(t, tag)
	out := node{"type": kind, "minimum": low.value}
	if limited {
		out["maximum"] = high.value
	}
	return out
}

// scalars defines the types that are written with a unit.
func (s *schemaBuilder) scalars() {
	bare := node{"type": "number", "minimum": 0}
	s.defs["substitution"] = node{"type": "string", "pattern": `\$\{`, "description": "a value from the environment: ${NAME} or ${NAME:-default}"}
	s.defs["text"] = node{"type": []string{"string", "number", "boolean"}}
	s.defs["duration"] = unitSchema(bare, `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)?)+$`, "250ms, 30s, 5m, 1h; a bare number is milliseconds")
	s.defs["size"] = unitSchema(bare, `^[0-9]+(\.[0-9]+)? ?([KkMmGgTt][Ii]?)?[Bb]?$`, "256MB, 1GB, 1024-based; a bare number is bytes")
	s.defs["percent"] = unitSchema(node{"type": "number", "minimum": 0, "maximum": 100}, `^[0-9]+(\.[0-9]+)? ?%?$`, "50%; a bare number is percent too")
	s.defs["count"] = unitSchema(node{"type": "integer", "minimum": 0, "maximum": 1024}, `^(auto|[0-9]+)$`, "a number, or auto for one per CPU")
}

func unitSchema(bare node, pattern, description string) node {
	return node{"description": description, "anyOf": []node{bare, {"type": "string", "pattern": pattern}, ref("substitution")}}
}

func substitutable(n node) node { return node{"anyOf": []node{n, ref("substitution")}} }

func ref(name string) node { return node{"$ref": "#/$defs/" + name} }

// schemaDefault returns a leaf's default as it is written in the file.
func schemaDefault(v reflect.Value) (any, bool) {
	if v.Kind() == reflect.Struct || v.Kind() == reflect.Pointer {
		return nil, false
	}
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		return nil, false
	}
	var out any
	if err := encodeValue(v, "", false).Decode(&out); err != nil {
		return nil, false
	}
	return out, true
}
