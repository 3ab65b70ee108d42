package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// validator collects the faults of settings that were decoded.
type validator struct {
	c      *Config
	found  Faults // by decoding; what follows from one of them is no fault of its own
	faults Faults
}

// Validate returns every fault of the settings, in order of line, and none
// when they can be run. It looks at the machine too: folders, files of
// variables and tokens, and whether commands can be executed. It changes nothing.
func (c *Config) Validate() Faults { return c.validate(nil) }

// validate is told which faults decoding found.
func (c *Config) validate(found Faults) Faults {
	v := &validator{c: c, found: found}
	v.bounds(reflect.ValueOf(c).Elem(), "", "")
	v.server()
	v.routes()
	for _, name := range c.PoolNames() {
		v.pool(name, c.Pools[name])
	}
	v.ipc()
	v.cache()
	v.logging()
	v.admin()
	v.faults.sort()
	return v.faults
}

// fault reports a wrong value, unless it could not even be decoded.
func (v *validator) fault(key, problem, remedy string) {
	if len(v.faults) >= mostFaults || v.found.cover(key) {
		return
	}
	file, line := v.c.origin.place(key)
	v.faults = append(v.faults, &FieldError{file, line, key, problem, remedy})
}

// missing reports what is not there, unless something below key is wrong,
// such as a misspelled name.
func (v *validator) missing(key, problem, remedy string) {
	if !v.found.below(key) {
		v.fault(key, problem, remedy)
	}
}

func (v *validator) refuse(key string, e *valueError) {
	if e != nil {
		v.fault(key, e.problem, e.remedy)
	}
}

// bounds checks what the tags of the fields say: range and enum.
func (v *validator) bounds(value reflect.Value, key string, tag reflect.StructTag) {
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			v.bounds(value.Elem(), key, tag)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			f := value.Type().Field(i)
			if name := fieldKey(f); name != "" {
				v.bounds(value.Field(i), join(key, name), f.Tag)
			}
		}
	case reflect.Map:
		names := value.MapKeys()
		sort.Slice(names, func(i, j int) bool { return names[i].String() < names[j].String() })
		for _, name := range names {
			v.bounds(value.MapIndex(name), join(key, name.String()), tag)
		}
	case reflect.Slice:
		for i := range value.Len() {
			v.bounds(value.Index(i), index(key, i), tag)
		}
	case reflect.String:
		v.enum(value.String(), key, tag)
	case reflect.Int, reflect.Int64, reflect.Float64:
		v.between(value, key, tag)
	}
}

func (v *validator) enum(text, key string, tag reflect.StructTag) {
	list, ok := tag.Lookup("enum")
	if !ok {
		return
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if name == text {
			return
		}
	}
	shown := slices.Clone(names)
	if i := slices.Index(shown, ""); i >= 0 {
		shown[i] = `""`
	}
	remedy := "use one of " + strings.Join(shown, ", ")
	if name := nearest(text, names); name != "" {
		remedy = `did you mean "` + name + `"? ` + remedy
	}
	problem := quote(text) + " is not known"
	if text == "" {
		problem = "is missing"
	}
	v.fault(key, problem, remedy)
}

func (v *validator) between(value reflect.Value, key string, tag reflect.StructTag) {
	if count, ok := value.Interface().(Count); ok && count == Auto {
		return
	}
	low, high, limited := rangeOf(value.Type(), tag)
	got := asFloat(value)
	if got >= low.value && (got <= high.value || !limited) {
		return
	}
	remedy := "use " + low.text + " to " + high.text
	if !limited {
		remedy = "use " + low.text + " or more"
	}
	v.fault(key, show(value)+" is out of range", remedy)
}

// bound is one end of a range, as written in the tag and as a number.
type bound struct {
	text  string
	value float64
}

// rangeOf reads a field's range; limited is false when it has no upper end.
func rangeOf(t reflect.Type, tag reflect.StructTag) (low, high bound, limited bool) {
	text, ok := tag.Lookup("range")
	if !ok {
		switch t {
		case reflect.TypeFor[Duration]():
			text = "0..87600h"
		case reflect.TypeFor[Percent]():
			text = "0%..100%"
		default:
			return bound{"0", 0}, bound{}, false
		}
	}
	from, to, _ := strings.Cut(text, "..")
	return bound{from, parseBound(t, from)}, bound{to, parseBound(t, to)}, true
}

// parseBound reads one end in the unit of the field; a test reads every tag.
func parseBound(t reflect.Type, text string) float64 {
	value := reflect.New(t)
	if unit, ok := value.Interface().(encoding.TextUnmarshaler); ok {
		if err := unit.UnmarshalText([]byte(text)); err != nil {
			panic(fmt.Sprintf("range tag %q of a %s: %v", text, t, err))
		}
		return asFloat(value.Elem())
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("range tag %q of a %s: %v", text, t, err))
	}
	return n
}

func asFloat(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

func show(v reflect.Value) string { return fmt.Sprint(v.Interface()) }
