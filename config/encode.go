package config

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Effective returns the settings as a file that Load accepts, every default
// filled in. Text is escaped so that it is not substituted again, and a token
// is written as its SHA-256, which lets the same bearer in.
func (c *Config) Effective() ([]byte, error) {
	shown := *c
	shown.Admin.Tokens = nil
	for _, t := range c.Admin.Tokens {
		if t.Token != "" {
			sum, err := t.Digest()
			if err != nil {
				return nil, fmt.Errorf("write token %s: %w", t.Name, err)
			}
			t.Token, t.TokenSHA256 = "", hex.EncodeToString(sum[:])
		}
		shown.Admin.Tokens = append(shown.Admin.Tokens, t)
	}
	var out strings.Builder
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(encodeValue(reflect.ValueOf(shown), "", true)); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return []byte(out.String()), enc.Close()
}

// MarshalJSON writes the settings with the keys of the file and values as they
// are written there. It hides nothing: see Redacted.
func (c *Config) MarshalJSON() ([]byte, error) {
	var plain any
	if err := encodeValue(reflect.ValueOf(*c), "", false).Decode(&plain); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return json.Marshal(plain)
}

// encodeValue is the inverse of decoder.value. With escaped, text is written
// so that substitution gives it back.
func encodeValue(v reflect.Value, path string, escaped bool) *yaml.Node {
	if unit, ok := v.Interface().(fmt.Stringer); ok && v.Kind() != reflect.Pointer {
		return encodeUnit(unit.String())
	}
	if value, ok := v.Interface().(Value); ok {
		return encodeFree(value, escaped)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return encodeValue(v.Elem(), path, escaped)
	case reflect.Struct:
		return encodeStruct(v, path, escaped)
	case reflect.Map:
		node := &yaml.Node{Kind: yaml.MappingNode}
		names := v.MapKeys()
		sort.Slice(names, func(i, j int) bool { return names[i].String() < names[j].String() })
		for _, name := range names {
			child := encodeValue(v.MapIndex(name), join(path, name.String()), escaped)
			node.Content = append(node.Content, textNode(name.String()), child)
		}
		return node
	case reflect.Slice:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			node.Content = append(node.Content, encodeValue(v.Index(i), index(path, i), escaped))
		}
		return node
	case reflect.String:
		if escaped {
			return textNode(escape(v.String(), commandArg.MatchString(path)))
		}
		return textNode(v.String())
	case reflect.Float64:
		return plainNode(strconv.FormatFloat(v.Float(), 'f', -1, 64))
	}
	return plainNode(fmt.Sprint(v.Interface())) // bool, int
}

// encodeStruct leaves out what is nil, and what is empty where the tag says so.
func encodeStruct(v reflect.Value, path string, escaped bool) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := fieldKey(f)
		if name == "" || f.Type.Kind() == reflect.Pointer && v.Field(i).IsNil() ||
			strings.HasSuffix(f.Tag.Get("yaml"), ",omitempty") && v.Field(i).IsZero() {
			continue
		}
		node.Content = append(node.Content, textNode(name), encodeValue(v.Field(i), join(path, name), escaped))
	}
	return node
}

// encodeUnit writes bare numbers as numbers.
func encodeUnit(text string) *yaml.Node {
	if number.MatchString(text) {
		return plainNode(text)
	}
	return textNode(text)
}

func plainNode(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// textNode is quoted by the encoder where it would be read as something else.
func textNode(text string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(text)
	if text == "<<" { // which the encoder leaves bare, a merge key
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}
