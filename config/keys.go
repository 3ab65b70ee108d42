package config

import (
	"reflect"
	"strings"

	"github.com/agnivade/levenshtein"
)

// fieldByKey returns the field of struct type t that the file calls key.
func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if name := fieldKey(t.Field(i)); name != "" && name == key {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

// fieldKey returns a field's name in the file, "" for one that is not in it.
func fieldKey(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// keysOf returns the keys of struct type t in the order of its fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if name := fieldKey(t.Field(i)); name != "" {
			keys = append(keys, name)
		}
	}
	return keys
}

// suggestKey says what to write in place of a key that t does not have: one
// that is spelled nearly the same, one of that name in a section below, or
// whatever there is.
func suggestKey(t reflect.Type, key string) string {
	if name := nearest(key, keysOf(t)); name != "" {
		return `did you mean "` + name + `"?`
	}
	if path := findBelow(t, key); path != "" {
		return `did you mean "` + path + `"?`
	}
	return "remove it; the keys here are " + strings.Join(keysOf(t), ", ")
}

// nearest returns the one of names that is written nearly as text is, one of
// which text is a part or the other way round, or "".
func nearest(text string, names []string) string {
	if len(text) > 40 {
		return ""
	}
	best, distance := "", 2+len(text)/4
	for _, name := range names {
		n := levenshtein.ComputeDistance(strings.ToLower(text), strings.ToLower(name))
		if n < distance && n <= len(name)/2 {
			best, distance = name, n
		}
	}
	if best != "" || len(text) < 4 {
		return best
	}
	for _, name := range names { // TERM for SIGTERM, warning for warn
		if len(name) >= 4 && (strings.Contains(name, text) || strings.Contains(text, name)) {
			return name
		}
	}
	return ""
}

// findBelow returns the path of key within the sections of t, or "".
func findBelow(t reflect.Type, key string) string {
	for i := range t.NumField() {
		f := t.Field(i)
		if fieldKey(f) == "" || f.Type.Kind() != reflect.Struct {
			continue
		}
		if _, ok := fieldByKey(f.Type, key); ok {
			return fieldKey(f) + "." + key
		}
		if path := findBelow(f.Type, key); path != "" {
			return fieldKey(f) + "." + path
		}
	}
	return ""
}
