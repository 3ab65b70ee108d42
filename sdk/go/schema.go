package drover

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// schemas are those of the types that are encrypted: drover cannot check what it
// cannot read. They are a part of JSON Schema (2020-12): type, enum, const,
// properties, required, additionalProperties, items, minItems, maxItems,
// minLength, maxLength, pattern, minimum, maximum, exclusiveMinimum,
// exclusiveMaximum, anyOf, allOf, oneOf, not, and $ref within the schema.
type schemas []typeSchema

type typeSchema struct {
	pattern string // of the types
	schema  *schema
	err     error // the schema cannot be used: nothing of the type is let through
}

func compileSchemas(given map[string]json.RawMessage) schemas {
	var list schemas
	for _, pattern := range slices.Sorted(maps.Keys(given)) {
		s, err := compileSchema(given[pattern])
		list = append(list, typeSchema{pattern, s, err})
	}
	return list
}

// check returns why data of a type is not what every schema of the type says, or nil.
func (list schemas) check(kind string, data []byte) *Error {
	for _, t := range list {
		if !matches(t.pattern, kind) {
			continue
		}
		err := t.err
		if err == nil {
			err = t.schema.validate(data)
		}
		if err != nil {
			return &Error{Code: "refused", Message: "schema of " + t.pattern + ": " + err.Error()}
		}
	}
	return nil
}

// schema is a compiled JSON Schema: rules that all must hold.
type schema struct {
	rules []rule
}

// rule returns why a value at a place is not as it should be.
type rule func(at place, v any) error

// place is where in the data a value stands.
type place struct {
	path string // a JSON pointer
	refs int    // how many $ref were followed since the one before
}

// maxRefs is how many $ref may follow each other at one place: more go round in a circle.
const maxRefs = 100

// annotations are keywords that say nothing about which values are valid.
var annotations = []string{"$schema", "$id", "$defs", "definitions", "$comment", "title", "description", "default",
	"examples", "format", "deprecated", "readOnly", "writeOnly"}

// compiler compiles one document; schemas are known by their place for $ref.
type compiler struct {
	document any
	known    map[string]*schema
}

func compileSchema(text []byte) (*schema, error) {
	document, err := decodeExact(text)
	if err != nil {
		return nil, err
	}
	c := &compiler{document: document, known: make(map[string]*schema)}
	s, err := c.at("#")
	if err != nil {
		return nil, err
	}
	return s, nil
}

// decodeExact reads JSON and keeps numbers as they are written.
func decodeExact(text []byte) (any, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func (s *schema) validate(data []byte) error {
	v, err := decodeExact(data)
	if err != nil {
		return err
	}
	return s.check(place{}, v)
}

func (s *schema) check(at place, v any) error {
	for _, r := range s.rules {
		if err := r(at, v); err != nil {
			return err
		}
	}
	return nil
}

// at returns the schema that a JSON pointer in the document points to.
func (c *compiler) at(ref string) (*schema, error) {
	if s := c.known[ref]; s != nil {
		return s, nil
	}
	v := c.document
	for _, part := range strings.Split(ref, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		inner, ok := member(v, part)
		if !ok {
			return nil, fmt.Errorf("$ref %q points nowhere", ref)
		}
		v = inner
	}
	s := &schema{}
	c.known[ref] = s // before it is compiled: it may refer to itself
	return s, c.fill(s, v)
}

func member(v any, name string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		inner, ok := v[name]
		return inner, ok
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	default:
		return nil, false
	}
}

func (c *compiler) compile(v any) (*schema, error) {
	s := &schema{}
	return s, c.fill(s, v)
}

func (c *compiler) fill(s *schema, v any) error {
	switch v := v.(type) {
	case bool:
		if !v {
			s.rules = []rule{func(at place, _ any) error { return wrong(at, "nothing is allowed here") }}
		}
		return nil
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if slices.Contains(annotations, name) {
				continue
			}
			make, ok := keyword(name)
			if !ok {
				return fmt.Errorf("this SDK does not know the keyword %q", name)
			}
			r, err := make(c, v[name], v)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			s.rules = append(s.rules, r)
		}
		return nil
	default:
		return errors.New("a schema is an object or a boolean")
	}
}

// wrong says what is wrong where.
func wrong(at place, format string, args ...any) error {
	if at.path == "" {
		at.path = "/"
	}
	return fmt.Errorf("at %s: %s", at.path, fmt.Sprintf(format, args...))
}

// equal compares as JSON Schema does: 1 and 1.0 are the same number.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && number(a).Cmp(number(b)) == 0
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	default:
		return a == b // strings, booleans, null
	}
}

// number is exact, but for numbers with an exponent that no sender needs, which
// would take much memory.
func number(n json.Number) *big.Rat {
	if e := strings.IndexAny(string(n), "eE"); e < 0 || len(n)-e <= 4 {
		if r, ok := new(big.Rat).SetString(string(n)); ok {
			return r
		}
	}
	f, _ := n.Float64() // infinite or 0 beyond its range
	r := new(big.Rat)
	if r.SetFloat64(f) == nil {
		r.SetFrac(new(big.Int).Lsh(big.NewInt(1), 2000), big.NewInt(1))
		if f < 0 {
			r.Neg(r)
		}
	}
	return r
}

// inside is the place of a member.
func (p place) inside(name string) place {
	return place{path: p.path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)}
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func length(s string) int { return utf8.RuneCountInString(s) }
