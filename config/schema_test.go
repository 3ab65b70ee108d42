package config

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// schemaCheck is as much of JSON Schema as the settings use.
type schemaCheck struct {
	root map[string]any
	bad  []string
}

func (s *schemaCheck) check(schema map[string]any, value any, at string) {
	if to, ok := schema["$ref"].(string); ok {
		schema = s.root["$defs"].(map[string]any)[strings.TrimPrefix(to, "#/$defs/")].(map[string]any)
	}
	if choices, ok := schema["anyOf"].([]any); ok {
		for _, one := range choices {
			inner := schemaCheck{root: s.root}
			if inner.check(one.(map[string]any), value, at); len(inner.bad) == 0 {
				return
			}
		}
		s.bad = append(s.bad, at+": no alternative fits")
		return
	}
	if list, ok := schema["enum"].([]any); ok && !slices.Contains(list, value) {
		s.bad = append(s.bad, at+": not in enum")
	}
	switch value := value.(type) {
	case map[string]any:
		s.object(schema, value, at)
	case []any:
		s.expect(schema, at, "array")
		for _, item := range value {
			items, _ := schema["items"].(map[string]any)
			s.check(items, item, at+"[]")
		}
	case string:
		s.expect(schema, at, "string")
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(value) {
			s.bad = append(s.bad, at+": does not match "+pattern)
		}
	case bool:
		s.expect(schema, at, "boolean")
	case float64:
		s.expect(schema, at, "number", "integer")
		if least, ok := schema["minimum"].(float64); ok && value < least {
			s.bad = append(s.bad, at+": below the minimum")
		}
	}
}

func (s *schemaCheck) object(schema, value map[string]any, at string) {
	s.expect(schema, at, "object")
	properties, _ := schema["properties"].(map[string]any)
	free, _ := schema["additionalProperties"].(map[string]any)
	for key, below := range value {
		if property, ok := properties[key].(map[string]any); ok {
			s.check(property, below, at+"."+key)
		} else if free != nil {
			s.check(free, below, at+".NAME")
		} else if schema["additionalProperties"] == false {
			s.bad = append(s.bad, at+"."+key+": not in the schema")
		}
	}
}

func (s *schemaCheck) expect(schema map[string]any, at string, kinds ...string) {
	switch have := schema["type"].(type) {
	case string:
		if !slices.Contains(kinds, have) {
			s.bad = append(s.bad, at+": is "+kinds[0]+", not "+have)
		}
	case []any:
		if !slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(have, any(k)) }) {
			s.bad = append(s.bad, at+": is "+kinds[0])
		}
	}
}

func loadSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestSchema_AcceptsTheExampleAndTheEffectiveSettings(t *testing.T) {
	root := loadSchema(t)
	example, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	effective, err := parseWith(t, everything, map[string]string{"OPS": "x"}).Effective()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"example": string(example), "all of the example": switchedOn(string(example)), "everything": everything, "effective": string(effective)} {
		var plain any
		if err := yaml.Unmarshal([]byte(text), &plain); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		asJSON, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(asJSON, &plain); err != nil {
			t.Fatal(err)
		}
		s := schemaCheck{root: root}
		s.check(root, plain, name)
		for _, bad := range s.bad {
			t.Error(bad)
		}
	}
}

func TestSchema_RefusesWhatIsWrong(t *testing.T) {
	root := loadSchema(t)
	f := func(text string) {
		t.Helper()
		var plain any
		if err := json.Unmarshal([]byte(text), &plain); err != nil {
			t.Fatal(err)
		}
		s := schemaCheck{root: root}
		if s.check(root, plain, ""); len(s.bad) == 0 {
			t.Errorf("%s is accepted", text)
		}
	}
	f(`{"servr": {}}`)
	f(`{"pools": {"a": {"comand": []}}}`)
	f(`{"pools": {"a": {"workers": "many"}}}`)
	f(`{"pools": {"a": {"queue": {"timeout": "5 minutes"}}}}`)
	f(`{"pools": {"a": {"strategy": "best"}}}`)
	f(`{"server": {"listeners": {}}}`)
}

// TestSchema_DescribesEveryField holds comments to be there.
func TestSchema_DescribesEveryField(t *testing.T) {
	comments, err := describe()
	if err != nil {
		t.Fatal(err)
	}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			if f := typ.Field(i); fieldKey(f) != "" {
				if !strings.HasSuffix(comments[typ.Name()+"."+f.Name], ".") {
					t.Errorf("%s.%s has no sentence above it", typ.Name(), f.Name)
				}
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	root := loadSchema(t)
	if root["$schema"] != schemaDialect || root["additionalProperties"] != false {
		t.Errorf("got %v", root)
	}
}
