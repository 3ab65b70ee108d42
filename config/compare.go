package config

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// Difference is what a reload has to do. All lists are sorted.
type Difference struct {
	Added   []string // pools that are new
	Removed []string // pools that are gone
	Rolled  []string // pools whose workers are replaced; some of their keys may also apply in place
	Changed []string // pools that stay and of which something applies in place

	Roll    []string // keys that changed and reach workers only when they are replaced, as in pools.app.command
	Apply   []string // keys that changed and apply in place
	Restart []string // keys that changed and take effect when drover is started again
}

// Empty reports whether nothing changed.
func (d Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Roll)+len(d.Apply)+len(d.Restart) == 0
}

// Compare says what changed between two settings and what each change needs,
// which is in the reload tag of each field. It reads nothing but its arguments:
// what an envFile held is noted when settings are read.
func Compare(old, new *Config) Difference {
	var d Difference
	d.walk(reflect.ValueOf(*old), reflect.ValueOf(*new), "", "")
	for _, name := range new.PoolNames() {
		if old.Pools[name] == nil {
			d.Added = append(d.Added, name)
		}
	}
	for _, name := range old.PoolNames() {
		if new.Pools[name] == nil {
			d.Removed = append(d.Removed, name)
		} else {
			d.pool(name, old.Pools[name], new.Pools[name])
		}
	}
	for _, keys := range [][]string{d.Roll, d.Apply, d.Restart} {
		sort.Strings(keys)
	}
	return d
}

// pool sorts one pool that stays into Rolled and Changed.
func (d *Difference) pool(name string, old, new *Pool) {
	key := join("pools", name)
	if old.envFileSum != new.envFileSum && old.EnvFile == new.EnvFile {
		d.Roll = append(d.Roll, key+".envFile")
	}
	below := func(k string) bool { return within(k, key) }
	if slices.ContainsFunc(d.Roll, below) {
		d.Rolled = append(d.Rolled, name)
	}
	if slices.ContainsFunc(d.Apply, below) {
		d.Changed = append(d.Changed, name)
	}
}

// walk notes the keys at which a and b differ, as deep as they can be named in
// both. effect is the tag of the nearest field above.
func (d *Difference) walk(a, b reflect.Value, path, effect string) {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			f := a.Type().Field(i)
			if name := fieldKey(f); name != "" {
				d.walk(a.Field(i), b.Field(i), join(path, name), f.Tag.Get("reload"))
			}
		}
		return
	case reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			d.walk(a.Elem(), b.Elem(), path, effect)
			return
		}
	case reflect.Map:
		d.walkMap(a, b, path, effect)
		return
	case reflect.Slice:
		if a.Len() == b.Len() {
			for i := range a.Len() {
				d.walk(a.Index(i), b.Index(i), index(path, i), effect)
			}
			return
		}
	}
	if !reflect.DeepEqual(a.Interface(), b.Interface()) {
		d.note(path, effect)
	}
}

// walkMap compares the values that both maps have. What only one has is a
// change of that key; pools that come and go are listed apart.
func (d *Difference) walkMap(a, b reflect.Value, path, effect string) {
	isPools := a.Type() == reflect.TypeFor[map[string]*Pool]()
	keys := map[string]reflect.Value{}
	for _, m := range []reflect.Value{a, b} {
		for _, key := range m.MapKeys() {
			keys[key.String()] = key
		}
	}
	for name, key := range keys {
		left, right := a.MapIndex(key), b.MapIndex(key)
		switch {
		case left.IsValid() && right.IsValid():
			d.walk(left, right, join(path, name), effect)
		case !isPools:
			d.note(join(path, name), effect)
		}
	}
}

func (d *Difference) note(key, effect string) {
	switch effect {
	case "roll":
		d.Roll = append(d.Roll, key)
	case "apply":
		d.Apply = append(d.Apply, key)
	case "restart":
		d.Restart = append(d.Restart, key)
	default:
		panic(fmt.Sprintf("settings field %s has no reload tag", key)) // a test reads every tag
	}
}

// String is for the log: what a reload did, in one line.
func (d Difference) String() string {
	if d.Empty() {
		return "nothing changed"
	}
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, what+" "+strings.Join(names, ", "))
		}
	}
	add("new pools:", d.Added)
	add("removed pools:", d.Removed)
	add("rolled pools:", d.Rolled)
	add("applied:", d.Apply)
	add("needs a restart:", d.Restart)
	return strings.Join(parts, "; ")
}
