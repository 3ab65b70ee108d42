package drover

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
)

// keyword returns what makes the rule of a keyword from its value and the schema around it.
func keyword(name string) (func(c *compiler, value any, in map[string]any) (rule, error), bool) {
	switch name {
	case "type":
		return typeRule, true
	case "enum":
		return enumRule, true
	case "const":
		return constRule, true
	case "properties":
		return propertiesRule, true
	case "required":
		return requiredRule, true
	case "additionalProperties":
		return additionalRule, true
	case "items":
		return itemsRule, true
	case "minItems", "maxItems", "minLength", "maxLength":
		return sizeRule(name), true
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return boundRule(name), true
	case "pattern":
		return patternRule, true
	case "anyOf", "allOf", "oneOf":
		return combineRule(name), true
	case "not":
		return notRule, true
	case "$ref":
		return refRule, true
	default:
		return nil, false
	}
}

func typeRule(_ *compiler, value any, _ map[string]any) (rule, error) {
	kinds, err := textsOf(value)
	if one, ok := value.(string); ok {
		kinds, err = []string{one}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if !slices.Contains([]string{"null", "boolean", "string", "number", "integer", "array", "object"}, k) {
			return nil, fmt.Errorf("%q is no type", k)
		}
	}
	return func(at place, v any) error {
		kind := kindOf(v)
		if slices.Contains(kinds, kind) || kind == "number" && slices.Contains(kinds, "integer") && number(v.(json.Number)).IsInt() {
			return nil
		}
		return wrong(at, "it is a %s, not of type %v", kind, kinds)
	}, nil
}

func enumRule(_ *compiler, value any, _ map[string]any) (rule, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, errors.New("is not a list")
	}
	return func(at place, v any) error {
		if slices.ContainsFunc(list, func(one any) bool { return equal(one, v) }) {
			return nil
		}
		return wrong(at, "it is none of the values that are allowed")
	}, nil
}

func constRule(_ *compiler, value any, _ map[string]any) (rule, error) {
	return func(at place, v any) error {
		if equal(value, v) {
			return nil
		}
		return wrong(at, "it is not the value that is allowed")
	}, nil
}

func propertiesRule(c *compiler, value any, _ map[string]any) (rule, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("is not an object")
	}
	of := make(map[string]*schema, len(members))
	for name, v := range members {
		s, err := c.compile(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		of[name] = s
	}
	return func(at place, v any) error {
		object, _ := v.(map[string]any)
		for name, inner := range object {
			if s := of[name]; s != nil {
				if err := s.check(at.inside(name), inner); err != nil {
					return err
				}
			}
		}
		return nil
	}, nil
}

func requiredRule(_ *compiler, value any, _ map[string]any) (rule, error) {
	names, err := textsOf(value)
	if err != nil {
		return nil, err
	}
	return func(at place, v any) error {
		object, ok := v.(map[string]any)
		for _, name := range names {
			if _, has := object[name]; ok && !has {
				return wrong(at, "%q is missing", name)
			}
		}
		return nil
	}, nil
}

func additionalRule(c *compiler, value any, in map[string]any) (rule, error) {
	s, err := c.compile(value)
	if err != nil {
		return nil, err
	}
	named, _ := in["properties"].(map[string]any)
	return func(at place, v any) error {
		object, _ := v.(map[string]any)
		for name, inner := range object {
			if _, ok := named[name]; ok {
				continue
			}
			if err := s.check(at.inside(name), inner); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func itemsRule(c *compiler, value any, _ map[string]any) (rule, error) {
	s, err := c.compile(value)
	if err != nil {
		return nil, err
	}
	return func(at place, v any) error {
		list, _ := v.([]any)
		for i, inner := range list {
			if err := s.check(at.inside(strconv.Itoa(i)), inner); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func sizeRule(name string) func(*compiler, any, map[string]any) (rule, error) {
	return func(_ *compiler, value any, _ map[string]any) (rule, error) {
		bound, ok := value.(json.Number)
		if !ok || !number(bound).IsInt() || number(bound).Sign() < 0 {
			return nil, errors.New("is not a whole number from 0 on")
		}
		limit := number(bound)
		return func(at place, v any) error {
			n := -1
			switch v := v.(type) {
			case string:
				if name == "minLength" || name == "maxLength" {
					n = length(v)
				}
			case []any:
				if name == "minItems" || name == "maxItems" {
					n = len(v)
				}
			}
			order := new(big.Rat).SetInt64(int64(n)).Cmp(limit)
			if n < 0 || order == 0 || order > 0 == (name[:3] == "min") {
				return nil
			}
			return wrong(at, "its length is %d, %s is %s", n, name, bound)
		}, nil
	}
}

func boundRule(name string) func(*compiler, any, map[string]any) (rule, error) {
	return func(_ *compiler, value any, _ map[string]any) (rule, error) {
		bound, ok := value.(json.Number)
		if !ok {
			return nil, errors.New("is not a number")
		}
		limit := number(bound)
		return func(at place, v any) error {
			n, ok := v.(json.Number)
			if !ok {
				return nil
			}
			order := number(n).Cmp(limit)
			if map[string]bool{"minimum": order >= 0, "maximum": order <= 0, "exclusiveMinimum": order > 0, "exclusiveMaximum": order < 0}[name] {
				return nil
			}
			return wrong(at, "it is %s, %s is %s", n, name, bound)
		}, nil
	}
}

func patternRule(_ *compiler, value any, _ map[string]any) (rule, error) {
	text, ok := value.(string)
	if !ok {
		return nil, errors.New("is not a text")
	}
	p, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return func(at place, v any) error {
		if s, ok := v.(string); ok && !p.MatchString(s) {
			return wrong(at, "it does not match %s", text)
		}
		return nil
	}, nil
}

func combineRule(name string) func(*compiler, any, map[string]any) (rule, error) {
	return func(c *compiler, value any, _ map[string]any) (rule, error) {
		list, ok := value.([]any)
		if !ok || len(list) == 0 {
			return nil, errors.New("is not a list of schemas")
		}
		var all []*schema
		for _, v := range list {
			s, err := c.compile(v)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		return func(at place, v any) error {
			valid, last := 0, error(nil)
			for _, s := range all {
				if err := s.check(at, v); err != nil {
					last = err
					continue
				}
				valid++
			}
			switch {
			case name == "allOf" && valid == len(all), name == "anyOf" && valid > 0, name == "oneOf" && valid == 1:
				return nil
			case name == "oneOf" && valid > 1:
				return wrong(at, "%d of oneOf hold", valid)
			default:
				return last
			}
		}, nil
	}
}

func notRule(c *compiler, value any, _ map[string]any) (rule, error) {
	s, err := c.compile(value)
	if err != nil {
		return nil, err
	}
	return func(at place, v any) error {
		if s.check(at, v) == nil {
			return wrong(at, "it is what not forbids")
		}
		return nil
	}, nil
}

func refRule(c *compiler, value any, _ map[string]any) (rule, error) {
	ref, ok := value.(string)
	if !ok || ref == "" || ref[0] != '#' {
		return nil, errors.New("only what begins with # can be referred to")
	}
	s, err := c.at(ref)
	if err != nil {
		return nil, err
	}
	return func(at place, v any) error {
		if at.refs++; at.refs > maxRefs {
			return wrong(at, "the schema's $ref %q goes round in a circle", ref)
		}
		return s.check(at, v)
	}, nil
}

func textsOf(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, errors.New("is not a list of texts")
	}
	var texts []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, errors.New("is not a list of texts")
		}
		texts = append(texts, s)
	}
	return texts, nil
}
