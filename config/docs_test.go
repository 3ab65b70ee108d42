package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// inherited are the keys that another key's value holds for.
var inherited = map[string]string{
	"routes[].timeouts.firstByte": "the pool's", "routes[].timeouts.responseIdle": "the pool's", "cache.warm[].ttl": "cache.defaultTTL",
}

// leafDefaults returns every key of the file that holds a value, lists as
// [] and free names as NAME, with its default as it is written in the file.
func leafDefaults(t *testing.T) map[string]string {
	out := map[string]string{}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if fieldKey(f) == "" {
				continue
			}
			key := join(path, fieldKey(f))
			elem, below := f.Type, key
			switch f.Type.Kind() {
			case reflect.Struct:
				walk(v.Field(i), key)
				continue
			case reflect.Slice:
				elem, below = f.Type.Elem(), key+"[]"
			case reflect.Map:
				elem, below = f.Type.Elem(), key+".NAME"
			}
			if elem.Kind() == reflect.Pointer {
				elem = elem.Elem()
			}
			if elem.Kind() == reflect.Struct {
				fresh := reflect.New(elem)
				if def, ok := fresh.Interface().(defaulter); ok {
					def.setDefaults()
				}
				out[key] = "none"
				walk(fresh.Elem(), below)
				continue
			}
			if f.Type.Kind() == reflect.Pointer {
				out[key] = inherited[key]
				continue
			}
			node := encodeValue(v.Field(i), key, false)
			text := node.Value
			if v.Field(i).Kind() == reflect.Slice {
				var items []string
				for _, item := range node.Content {
					items = append(items, item.Value)
				}
				text = "[" + strings.Join(items, ", ") + "]"
			} else if v.Field(i).Kind() == reflect.Map {
				text = "{}"
			} else if text == "" {
				text = `""`
			}
			out[key] = text
		}
	}
	walk(reflect.ValueOf(*Default()), "")
	if len(out) < 80 {
		t.Fatalf("found only %d keys", len(out))
	}
	return out
}

// TestDocs_HaveEveryKeyWithItsDefault compares docs/configuration.md with the structs.
func TestDocs_HaveEveryKeyWithItsDefault(t *testing.T) {
	data, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile("^#+ .*: `")
	row := regexp.MustCompile("^\\| `([a-zA-Z0-9]+)` \\| [^|]+ \\| ([^|]+) \\|")
	code := regexp.MustCompile("`([^`]+)`")
	got := map[string]string{}
	var sections []string
	for _, line := range strings.Split(string(data), "\n") {
		switch {
		case heading.MatchString(line):
			sections = nil
			for _, match := range code.FindAllStringSubmatch(line, -1) {
				sections = append(sections, match[1])
			}
		case strings.HasPrefix(line, "#"):
			sections = nil
		}
		if match := row.FindStringSubmatch(line); match != nil {
			for _, section := range sections {
				got[section+"."+match[1]] = strings.Trim(match[2], "` ")
			}
		}
	}
	// Nothing is the default where nothing has to be said of it.
	silent := []string{`""`, "[]", "{}", "none"}
	said := []string{"required", "any", "all", "the address", `""`, "[]", "{}", "none"}
	for key, want := range leafDefaults(t) {
		if key == "routes" || key == "pools" {
			continue // sections of their own
		}
		text, ok := got[key]
		switch {
		case !ok:
			t.Errorf("%s is not in docs/configuration.md", key)
		case text == want || sameUnit(text, want):
		case slices.Contains(silent, want) && slices.Contains(said, text):
		default:
			t.Errorf("%s: docs say default %q, it is %q", key, text, want)
		}
		delete(got, key)
	}
	for key := range got {
		t.Errorf("docs/configuration.md describes %s, which is not a key", key)
	}
}

// sameUnit reports whether two texts are the same length of time.
func sameUnit(a, b string) bool {
	var x, y Duration
	return x.UnmarshalText([]byte(a)) == nil && y.UnmarshalText([]byte(b)) == nil && x == y
}
