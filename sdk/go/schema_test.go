package drover

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestSchema_TellsWhatIsWrongAndWhere(t *testing.T) {
	check := func(schema, data, want string) {
		t.Helper()
		s, err := compileSchema([]byte(schema))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		err = s.validate([]byte(data))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s refuses %s: %v", schema, data, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s on %s: %v, want %s", schema, data, err, want)
		}
	}
	ok := func(schema string, valid ...string) {
		t.Helper()
		for _, data := range valid {
			check(schema, data, "")
		}
	}
	ok(`true`, `1`, `null`)
	check(`false`, `1`, "nothing is allowed")
	ok(`{"$schema":"x","title":"y","format":"date"}`, `1`)
	ok(`{"type":"integer"}`, `1`, `1.0`, `-5`, `1e3`)
	check(`{"type":"integer"}`, `1.5`, "at /: it is a number, not of type [integer]")
	check(`{"type":["string","null"]}`, `5`, "not of type")
	ok(`{"type":["string","null"]}`, `null`, `"x"`)
	check(`{"type":"object"}`, `[]`, "it is a array")
	check(`{"type":"boolean"}`, `"true"`, "string")
	ok(`{"type":"boolean"}`, `true`)
	ok(`{"enum":[1,"a",{"x":[1]}]}`, `1.0`, `"a"`, `{"x":[1.00]}`)
	check(`{"enum":[1,"a"]}`, `2`, "none of the values")
	check(`{"const":null}`, `false`, "not the value")
	ok(`{"const":null}`, `null`)
	object := `{"properties":{"a":{"type":"string"},"b/c":{"items":{"minimum":3}}},"required":["a"],"additionalProperties":false}`
	ok(object, `{"a":"x"}`, `{"a":"x","b/c":[3,4]}`, `5`)
	check(object, `{}`, `"a" is missing`)
	check(object, `{"a":1}`, "at /a: ")
	check(object, `{"a":"x","d":1}`, "at /d: nothing is allowed here")
	check(object, `{"a":"x","b/c":[3,2]}`, "at /b~1c/1: it is 2, minimum is 3")
	ok(`{"additionalProperties":{"type":"number"}}`, `{"a":1}`)
	check(`{"additionalProperties":{"type":"number"}}`, `{"a":"x"}`, "at /a")
	ok(`{"minItems":1,"maxItems":2,"minLength":2,"maxLength":3}`, `[1]`, `[1,2]`, `"ab"`, `"äöü"`, `5`)
	check(`{"minItems":1}`, `[]`, "its length is 0, minItems is 1")
	check(`{"maxItems":2}`, `[1,2,3]`, "maxItems")
	check(`{"minLength":2}`, `"ä"`, "its length is 1, minLength is 2")
	check(`{"maxLength":3}`, `"abcd"`, "maxLength")
	ok(`{"minimum":1,"maximum":2}`, `1`, `2`, `1.5`, `"x"`)
	check(`{"minimum":1}`, `0.9999999999999999999`, "minimum")
	check(`{"maximum":9007199254740993}`, `9007199254740994`, "maximum")
	ok(`{"maximum":9007199254740993}`, `9007199254740993`)
	check(`{"exclusiveMinimum":1}`, `1`, "exclusiveMinimum")
	check(`{"exclusiveMaximum":2}`, `2.0`, "exclusiveMaximum")
	ok(`{"exclusiveMinimum":1,"exclusiveMaximum":2}`, `1.5`)
	check(`{"maximum":5}`, `1e999999999`, "maximum")
	check(`{"minimum":5}`, `-1e999999999`, "minimum")
	ok(`{"pattern":"^a+$"}`, `"aa"`, `1`)
	check(`{"pattern":"^a+$"}`, `"ab"`, "does not match")
	ok(`{"anyOf":[{"type":"string"},{"minimum":5}]}`, `"x"`, `5`)
	check(`{"anyOf":[{"type":"string"},{"minimum":5}]}`, `4`, "minimum")
	check(`{"allOf":[{"minimum":1},{"maximum":3}]}`, `4`, "maximum")
	ok(`{"oneOf":[{"minimum":5},{"maximum":3}]}`, `1`, `6`)
	check(`{"oneOf":[{"minimum":1},{"maximum":3}]}`, `2`, "2 of oneOf hold")
	check(`{"oneOf":[{"minimum":5},{"maximum":3}]}`, `4`, "maximum")
	check(`{"not":{"type":"string"}}`, `"x"`, "not forbids")
	ok(`{"not":{"type":"string"}}`, `1`)
	tree := `{"$ref":"#/$defs/node","$defs":{"node":{"properties":{"children":{"items":{"$ref":"#/$defs/node"}},"v":{"type":"number"}},"required":["v"]},"a~b/c":{"anyOf":[{"const":1}]}}}`
	ok(tree, `{"v":1,"children":[{"v":2,"children":[]}]}`)
	check(tree, `{"v":1,"children":[{"v":2,"children":[{}]}]}`, `at /children/0/children/0: "v" is missing`)
	ok(`{"$ref":"#/$defs/a~0b~1c/anyOf/0","$defs":{"a~b/c":{"anyOf":[{"const":1}]}}}`, `1`)
	check(`{"$ref":"#"}`, `1`, "circle")
	check(`{}`, `{`, "unexpected")
	check(`{}`, `1 2`, "more than one value")
}

func TestSchema_OneThatIsNotUnderstoodLetsNothingThrough(t *testing.T) {
	for _, text := range []string{`5`, `{"type":"text"}`, `{"type":5}`, `{"unevaluatedItems":false}`, `{"enum":5}`, `{"properties":[]}`, `{"properties":{"a":1}}`,
		`{"required":[1]}`, `{"required":1}`, `{"additionalProperties":1}`, `{"items":[]}`, `{"minLength":-1}`, `{"minLength":1.5}`, `{"minimum":"1"}`, `{"pattern":1}`,
		`{"pattern":"("}`, `{"anyOf":[]}`, `{"anyOf":[1]}`, `{"not":1}`, `{"$ref":"http://x"}`, `{"$ref":"#/$defs/x"}`, `{"$ref":"#/anyOf/1","anyOf":[true]}`, `{"$ref":1}`, `{`} {
		list := compileSchemas(map[string]json.RawMessage{"t*": json.RawMessage(text)})
		if err := list.check("t1", []byte("1")); err == nil || err.Code != "refused" {
			t.Errorf("%s lets data through", text)
		}
		if err := list.check("u", []byte("1")); err != nil {
			t.Errorf("%s refuses another type: %v", text, err)
		}
	}
}

// The cases are those that every part of drover is tested with.
func TestSchema_TakesAndRefusesWhatAllOthersDo(t *testing.T) {
	raw, err := os.ReadFile("../../ipc/testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	var shared struct {
		Schemas []struct {
			Schema         json.RawMessage
			Valid, Invalid []json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &shared); err != nil || len(shared.Schemas) == 0 {
		t.Fatal(len(shared.Schemas), err)
	}
	for _, c := range shared.Schemas {
		s, err := compileSchema(c.Schema)
		if err != nil {
			t.Errorf("%s: %v", c.Schema, err)
			continue
		}
		for _, data := range c.Valid {
			if err := s.validate(data); err != nil {
				t.Errorf("%s refuses %s: %v", c.Schema, data, err)
			}
		}
		for _, data := range c.Invalid {
			if err := s.validate(data); err == nil {
				t.Errorf("%s takes %s", c.Schema, data)
			}
		}
	}
}
