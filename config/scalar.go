package config

import (
	"encoding"
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// quoted are the styles whose value is text whatever it looks like.
const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

var (
	secretKey  = regexp.MustCompile(`^admin\.tokens\[[0-9]+\]\.token$`)
	commandArg = regexp.MustCompile(`^pools(\.|\[.*\]\.?)[^.\[]*\.command\[[0-9]+\]$|^pools\[.*\]\.command\[[0-9]+\]$`)
)

// scalar decodes a single value. Substitution comes after YAML, so that what
// is in a variable can never become a key or a list; a plain scalar is typed
// after substitution, a quoted one is text.
func (d *decoder) scalar(n *yaml.Node, line int, v reflect.Value, path string) {
	e, bad := expand(n.Value, d.getenv, commandArg.MatchString(path))
	if bad != nil {
		d.refuse(line, path, bad)
		return
	}
	if secretKey.MatchString(path) {
		for _, name := range e.names {
			d.origin.secretEnv[name] = true
		}
	}
	isText := n.Style&quoted != 0 || n.Style&yaml.TaggedStyle != 0 && n.ShortTag() == "!!str"
	if !isText && !e.done && n.ShortTag() == "!!null" {
		remedy := "give it a value, or remove the key"
		if v.Kind() == reflect.String {
			remedy = `write "" for an empty one, or remove the key`
		}
		d.fault(line, path, "has no value", remedy)
		return
	}
	if v.Kind() == reflect.String {
		v.SetString(e.text)
		return
	}
	text := strings.TrimSpace(e.text)
	if unit, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		var refused *valueError
		if err := unit.UnmarshalText([]byte(text)); errors.As(err, &refused) {
			d.refuse(line, path, refused)
		}
		return
	}
	if isText {
		d.fault(line, path, "is the text "+quote(e.text)+" where "+scalarName(v)+" is needed", "remove the quotes, if it is one")
		return
	}
	if bad := setScalar(v, text); bad != nil {
		d.refuse(line, path, bad)
	}
}

// setScalar sets a bool, int or float from plain text.
func setScalar(v reflect.Value, text string) *valueError {
	bad := &valueError{quote(text) + " is not " + scalarName(v), "write " + scalarName(v)}
	switch v.Kind() {
	case reflect.Bool:
		switch text {
		case "true", "True", "TRUE":
			v.SetBool(true)
		case "false", "False", "FALSE":
			v.SetBool(false)
		default:
			return bad
		}
	case reflect.Int:
		i, err := strconv.ParseInt(text, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return &valueError{quote(text) + " is out of range", "use a smaller number"}
		}
		if err != nil {
			return bad
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !number.MatchString(text) {
			return bad
		}
		v.SetFloat(f)
	}
	return nil
}

func scalarName(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	}
	return "a number"
}
