package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

const (
	// schemaDialect is what a schema without $schema is written in.
	schemaDialect = "https://json-schema.org/draft/2020-12/schema"
	// schemaURL names a schema file to the compiler; each has a compiler of its own.
	schemaURL = "drover:///schema"
	// maxFault is how much is told of what is wrong with data, in bytes.
	maxFault = 500
)

// Schemas says what the data of messages is. Where several patterns match a
// type, its data has to be what each of their schemas says. They are immutable;
// nil is none.
type Schemas struct{ list []schema }

type schema struct {
	pattern  pattern
	file     string
	compiled *jsonschema.Schema
	document any
	text     json.RawMessage
}

// LoadSchemas reads files of JSON Schema, each for the types that its pattern
// stands for. References lead to places in the same file only: nothing else is
// read. The error tells of every file that has a fault.
func LoadSchemas(files map[string]string) (*Schemas, error) {
	s := &Schemas{}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(files)) {
		one, err := loadSchema(key, files[key])
		if err != nil {
			faults = append(faults, fmt.Errorf("ipc.schemas[%q]: %w", key, err))
			continue
		}
		s.list = append(s.list, one)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

func loadSchema(key, file string) (schema, error) {
	p, err := parsePattern(key)
	if err != nil {
		return schema{}, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return schema{}, err // names the file
	}
	var document any
	if err := jsonv2.Unmarshal(text, &document); err != nil {
		return schema{}, fmt.Errorf("%s:%d: %w", file, lineOf(text, err), err)
	}
	compiled, err := compileSchema(document)
	if err != nil {
		return schema{}, fmt.Errorf("%s: %w", file, err)
	}
	compact := jsontext.Value(bytes.Clone(text))
	if err := compact.Compact(); err != nil {
		return schema{}, fmt.Errorf("%s: %w", file, err)
	}
	return schema{pattern: p, file: file, compiled: compiled, document: document, text: json.RawMessage(compact)}, nil
}

// lineOf returns the line where JSON was found to be broken.
func lineOf(text []byte, err error) int {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return 1
	}
	return 1 + bytes.Count(text[:min(syntax.ByteOffset, int64(len(text)))], []byte{'\n'})
}

func compileSchema(document any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, document); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(schemaURL)
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		return nil, fmt.Errorf("this is no schema: %s", faultIn(invalid.Err))
	}
	return compiled, err
}

// noLoader keeps references within their file: drover fetches nothing.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("$ref may only lead to a place in the same file, as in #/$defs/item")
}

// Check returns what is wrong with the data, JSON, of a type. The error names
// the place as a JSON pointer.
func (s *Schemas) Check(name string, data []byte) error {
	if s == nil {
		return nil
	}
	var value any
	decoded := false
	for _, one := range s.list {
		if !matchPattern(one.pattern, name) {
			continue
		}
		if !decoded {
			// Numbers become floats, as with the receivers that check encrypted
			// data. The schema library panics on a number such as 1e9999999 that is kept as text.
			if err := jsonv2.Unmarshal(data, &value); err != nil {
				return fmt.Errorf("the data of %s cannot be checked: %s", name, cutFault(err.Error()))
			}
			decoded = true
		}
		if err := one.compiled.Validate(value); err != nil {
			return fmt.Errorf("the data is not what the schema of %s says: %s", one.pattern, faultIn(err))
		}
	}
	return nil
}

// Raw returns the schemas by their patterns, for receivers that check for themselves.
func (s *Schemas) Raw() map[string]json.RawMessage {
	if s == nil || len(s.list) == 0 {
		return nil
	}
	raw := make(map[string]json.RawMessage, len(s.list))
	for _, one := range s.list {
		raw[one.pattern.String()] = one.text
	}
	return raw
}

// faultIn describes the first fault of a validation, at the innermost place
// that is certain: of alternatives nobody knows which one was meant.
func faultIn(err error) string {
	var e *jsonschema.ValidationError
	if !errors.As(err, &e) {
		return cutFault(err.Error())
	}
	for isFrame(e.ErrorKind) && len(e.Causes) > 0 {
		e = slices.MinFunc(e.Causes, func(a, b *jsonschema.ValidationError) int {
			return slices.Compare(a.InstanceLocation, b.InstanceLocation)
		})
	}
	alone := *e
	alone.Causes = nil
	return cutFault(alone.Error())
}

// isFrame reports whether an error only says that one inside it counts.
func isFrame(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		return true
	}
	return false
}

// cutFault keeps data that found its way into a message from making it long.
func cutFault(text string) string {
	if len(text) <= maxFault {
		return text
	}
	return strings.ToValidUTF8(text[:maxFault], "") + "…"
}
