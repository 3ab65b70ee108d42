package ipc

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// schemaFiles writes schemas to files and returns them by pattern.
func schemaFiles(t testing.TB, texts map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	files := make(map[string]string)
	for pattern, text := range texts {
		file := filepath.Join(dir, strings.NewReplacer("*", "_", "/", "_").Replace(pattern)+".json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files[pattern] = file
	}
	return files
}

func loadForTest(t testing.TB, texts map[string]string) *Schemas {
	t.Helper()
	s, err := LoadSchemas(schemaFiles(t, texts))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const taskSchema = `{
	"type": "object",
	"properties": {
		"task": {"type": "string", "minLength": 1},
		"tries": {"type": "integer", "minimum": 0, "maximum": 10},
		"parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
		"when": {"anyOf": [{"type": "string"}, {"type": "number"}]}
	},
	"required": ["task"],
	"additionalProperties": false,
	"$defs": {"part": {"type": "object", "properties": {"a/b": {"type": "boolean"}}}}
}`

func TestSchemas_NameThePlaceThatIsWrong(t *testing.T) {
	s := loadForTest(t, map[string]string{"task.*": taskSchema})
	f := func(data string, want ...string) {
		t.Helper()
		err := s.Check("task.run", []byte(data))
		if len(want) == 0 {
			if err != nil {
				t.Errorf("%s is refused: %v", data, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%.60s is taken", data)
			return
		}
		for _, part := range append(want, "task.") {
			if text := err.Error(); !strings.Contains(text, part) || strings.Contains(text, "drover://") || len(text) > 700 {
				t.Errorf("%.60s: the error is %.700q, want %q in it", data, text, part)
			}
		}
	}
	f(`{"task":"x"}`)
	f(`{"task":"x","tries":1e1,"parts":[{"a/b":true},{}],"when":1.5}`)
	f(`{}`, "at ''", "'task'")
	f(`[]`, "at ''", "got array, want object")
	f(`null`, "got null")
	f(`{"task":""}`, "at '/task'", "minLength")
	f(`{"task":"x","tries":1.5}`, "at '/tries'", "want integer")
	f(`{"task":"x","tries":-1}`, "at '/tries'")
	f(`{"task":"x","tries":1e300}`, "at '/tries'")
	f(`{"task":"x","tries":1e9999999}`, "cannot be checked")
	f(`{"task":"x","parts":[{},{"a/b":1}]}`, "at '/parts/1/a~1b'", "want boolean")
	f(`{"task":"x","when":[]}`, "at '/when'", "anyOf")
	f(`{"task":7,"tries":"x"}`, "at '/task'") // the first of them, always
	f(`{"task":"x","other":1}`, "'other'")
	f(`{"task":"x","`+strings.Repeat("y", 1<<20)+`":1}`, "not allowed"[:0], "…")
	f(`{"task":"x",`, "cannot be checked")
	f(`{"task":"x","task":1}`, "cannot be checked")
}

func TestSchemas_HoldForTheTypesThatTheirPatternsMatch(t *testing.T) {
	s := loadForTest(t, map[string]string{
		"task.*":   `{"type":"object"}`,
		"task.run": `{"required":["id"]}`,
		"stop":     `false`,
	})
	f := func(kind, data string, want bool) {
		t.Helper()
		if err := s.Check(kind, []byte(data)); (err == nil) != want {
			t.Errorf("%s with %s: %v", kind, data, err)
		}
	}
	f("task.run", `{"id":1}`, true)
	f("task.run", `{}`, false)
	f("task.run", `7`, false) // required says nothing about numbers, the other one does
	f("task.other", `{}`, true)
	f("task.other", `7`, false)
	f("other", `7`, true)
	f("stop", `null`, false)
	var none *Schemas
	if err := none.Check("task.run", []byte(`7`)); err != nil || none.Subset() != nil || none.Raw() != nil {
		t.Errorf("without schemas: %v", err)
	}
}

func TestSchemas_HostileDataEndsQuickly(t *testing.T) {
	s := loadForTest(t, map[string]string{
		"loop":   `{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"number"},{"type":"array","items":{"$ref":"#/$defs/a"}}]}}}`,
		"regexp": `{"type":"string","pattern":"^(a+)+$"}`,
		"number": `{"type":"number","minimum":0,"maximum":10,"multipleOf":0.1}`,
	})
	f := func(kind, data string) {
		t.Helper()
		if err := s.Check(kind, []byte(data)); err == nil || len(err.Error()) > 700 {
			t.Errorf("%s: %.60s: the error is %.700v", kind, data, err)
		}
	}
	f("loop", strings.Repeat("[", 64)+`"x"`+strings.Repeat("]", 64))
	f("regexp", `"`+strings.Repeat("a", 1<<20)+`!"`)
	f("number", "1"+strings.Repeat("0", 1<<20))
	f("number", "1e308")
	f("number", "0."+strings.Repeat("3", 1<<20))
	f("number", "-1e99999999999")
}

func TestLoadSchemas_NamesKeyFileAndPlace(t *testing.T) {
	dir := t.TempDir()
	f := func(key, text string, want ...string) {
		t.Helper()
		file := filepath.Join(dir, "faulty.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadSchemas(map[string]string{key: file})
		if err == nil {
			t.Errorf("%q for %q is taken", text, key)
			return
		}
		for _, part := range append(want, `ipc.schemas["`+key+`"]`) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: the error is %q, want %q in it", text, err, part)
			}
		}
	}
	f("a", "{\n\"type\": \"object\",\n}", "faulty.json:2:")
	f("a", "", "faulty.json:1:")
	f("a", `{"type":"object","type":"array"}`, "faulty.json:1:", "duplicate", "type")
	f("a", `{"properties":{"x":{"type":"strnig"}}}`, "faulty.json: this is no schema: at '/properties/x/type'")
	f("a", `{"pattern":"(?=x)"}`, "faulty.json", "regex")
	f("a", `[]`, "faulty.json: this is no schema")
	f("a*b", `{}`, "neither a name nor")
	f("a", `{"$schema":"https://example.org/mine"}`, "faulty.json", "same file")
	for _, ref := range []string{"other.json", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x", "https://example.org/x.json#/y", "drover:///other"} {
		f("a", `{"properties":{"x":{"$ref":"`+ref+`"}}}`, "faulty.json", "same file")
	}
	f("a", `{"$ref":"#/$defs/none"}`, "faulty.json", "none")
	_, err := LoadSchemas(map[string]string{"b": filepath.Join(dir, "missing.json"), "a": filepath.Join(dir, "gone.json")})
	if err == nil || strings.Count(err.Error(), "\n") != 1 || strings.Index(err.Error(), "gone") > strings.Index(err.Error(), "missing") {
		t.Errorf("the error is %v, want both files", err)
	}
}

func TestSchemas_RawIsWhatTheFilesSay(t *testing.T) {
	raw := loadForTest(t, map[string]string{"task.*": "{\n\t\"minimum\": 1.50\n}\n", "x": "true"}).Raw()
	want := map[string]string{"task.*": `{"minimum":1.50}`, "x": "true"}
	got := make(map[string]string)
	for pattern, text := range raw {
		got[pattern] = string(text)
	}
	if !maps.Equal(got, want) {
		t.Errorf("raw schemas are %v, want %v", got, want)
	}
	if text, err := json.Marshal(raw); err != nil || strings.ContainsAny(string(text), "\n\t") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestSchemas_SubsetNamesWhatReceiversCannotCheck(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		err := loadForTest(t, map[string]string{"task.*": text}).Subset()
		if len(want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%s is taken", text)
			return
		}
		for _, part := range append(want, `ipc.schemas["task.*"]`, "task._.json") {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error is %q, want %q in it", text, err, part)
			}
		}
	}
	f(taskSchema)
	f(`true`)
	f(`{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.org/x","$comment":"c","title":"t","description":"d","default":{"format":1},"examples":[{"if":1}]}`)
	f(`{"properties":{"format":{"const":{"uniqueItems":true}},"if":{"enum":[{"then":1}]}}}`) // names, not keywords
	f(`{"format":"email"}`, "at the top", `"format"`)
	f(`{"x-mine":1}`, `"x-mine"`)
	f(`{"properties":{"a/b":{"items":{"uniqueItems":true}}}}`, "at /properties/a~1b/items:", `"uniqueItems"`)
	f(`{"anyOf":[true,{"not":{"multipleOf":2}}]}`, "at /anyOf/1/not:", `"multipleOf"`)
	f(`{"$defs":{"a":{"additionalProperties":{"patternProperties":{}}}}}`, "at /$defs/a/additionalProperties:", `"patternProperties"`)
	f(`{"$ref":"#"}`, "$ref to #/$defs/NAME only")
	f(`{"$ref":"#/properties/a","properties":{"a":true}}`, "$ref to #/$defs/NAME only")
	f(`{"$ref":"#/$defs/a/not","$defs":{"a":{"not":true}}}`, "$ref to #/$defs/NAME only")
	f(`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}`, "draft-07")
	f(`{"items":{"$id":"https://example.org/y","type":"object"}}`, "at /items:", "$id at the top only")
	f(`{"prefixItems":[true]}`, `"prefixItems"`)
	f(`{"dependentRequired":{}}`, `"dependentRequired"`)
}

func FuzzSchemas_Check(f *testing.F) {
	s := loadForTest(f, map[string]string{"task.*": taskSchema})
	for _, seed := range []string{`{"task":"x"}`, `{"task":"x","tries":1e400}`, `[`, `{"task":"x","parts":[{"a/b":1}]}`, `-0`, `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := s.Check("task.run", data)
		if err != nil {
			if len(err.Error()) > 700 {
				t.Fatalf("the error for %q has %d bytes", data, len(err.Error()))
			}
			return
		}
		var task struct{ Task *string }
		if json.Unmarshal(data, &task) != nil || task.Task == nil || *task.Task == "" {
			t.Fatalf("%q is taken", data)
		}
	})
}

func BenchmarkSchemas_Check(b *testing.B) {
	s := loadForTest(b, map[string]string{"task.*": taskSchema})
	data := []byte(`{"task":"x","tries":1,"parts":[{"a/b":true},{}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check("task.run", data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSchemas_AgreeWithTheReceivers reads the file that the tests of the SDKs read.
func TestSchemas_AgreeWithTheReceivers(t *testing.T) {
	text, err := os.ReadFile("testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Schemas []struct {
			Schema         json.RawMessage
			Valid, Invalid []json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Schemas) < 30 {
		t.Fatalf("only %d schemas", len(file.Schemas))
	}
	for _, one := range file.Schemas {
		s := loadForTest(t, map[string]string{"x": string(one.Schema)})
		if err := s.Subset(); err != nil {
			t.Error(err)
		}
		for _, data := range one.Valid {
			if err := s.Check("x", data); err != nil {
				t.Errorf("%s refuses %s: %v", one.Schema, data, err)
			}
		}
		for _, data := range one.Invalid {
			if s.Check("x", data) == nil {
				t.Errorf("%s takes %s", one.Schema, data)
			}
		}
	}
}
