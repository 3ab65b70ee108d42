package ipc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Subset returns the first thing in each schema that receivers cannot check:
// encrypted data is checked by the SDKs, which know a part of JSON Schema only.
func (s *Schemas) Subset() error {
	if s == nil {
		return nil
	}
	var faults []error
	for _, one := range s.list {
		if err := checkSubset("", one.document); err != nil {
			faults = append(faults, fmt.Errorf("ipc.schemas[%q]: %s: %w", one.pattern, one.file, err))
		}
	}
	return errors.Join(faults...)
}

// keywordValue is what stands behind a keyword of JSON Schema.
type keywordValue int

const (
	plainValue keywordValue = iota
	oneSchema
	listOfSchemas
	mapOfSchemas
)

// keyword returns what stands behind a keyword that receivers know.
func keyword(name string) (value keywordValue, known bool) {
	switch name {
	case "type", "enum", "const", "required", "minItems", "maxItems", "minLength", "maxLength", "pattern",
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "$ref",
		"title", "description", "default", "examples", "$schema", "$id", "$comment":
		return plainValue, true
	case "items", "additionalProperties", "not":
		return oneSchema, true
	case "anyOf", "allOf", "oneOf":
		return listOfSchemas, true
	case "properties", "$defs":
		return mapOfSchemas, true
	}
	return 0, false
}

// checkSubset looks at the schema at a place in its file and at all inside it.
// The compiler has seen to it that values are of the right types.
func checkSubset(at string, node any) error {
	members, _ := node.(map[string]any) // or true or false
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, known := keyword(name)
		if !known {
			return fmt.Errorf("at %s: %q cannot be checked by the receivers of encrypted messages; leave it out, or turn ipc.encryption off", pointer(at), name)
		}
		if err := checkReach(at, name, members[name]); err != nil {
			return err
		}
		if err := checkInside(at+"/"+name, value, members[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkInside(at string, value keywordValue, node any) error {
	switch value {
	case oneSchema:
		return checkSubset(at, node)
	case listOfSchemas:
		list, _ := node.([]any)
		for i, inner := range list {
			if err := checkSubset(at+"/"+strconv.Itoa(i), inner); err != nil {
				return err
			}
		}
	case mapOfSchemas:
		inner, _ := node.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			if err := checkSubset(at+"/"+escapePointer(name), inner[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkReach refuses what would have receivers look elsewhere or read by other
// rules: other dialects, names for parts of a file, and references to anything
// but a definition.
func checkReach(at, name string, value any) error {
	text, _ := value.(string)
	switch name {
	case "$schema":
		if strings.TrimSuffix(text, "#") != schemaDialect {
			return fmt.Errorf("at %s: receivers of encrypted messages check by %s, not by %q", pointer(at), schemaDialect, text)
		}
	case "$id":
		if at != "" {
			return fmt.Errorf("at %s: receivers of encrypted messages know $id at the top only", pointer(at))
		}
	case "$ref":
		def, ok := strings.CutPrefix(text, "#/$defs/")
		if !ok || def == "" || strings.ContainsAny(def, "/%~") {
			return fmt.Errorf("at %s: receivers of encrypted messages follow a $ref to #/$defs/NAME only, not %q", pointer(at), text)
		}
	}
	return nil
}

func pointer(pointer string) string {
	if pointer == "" {
		return "the top"
	}
	return pointer
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
