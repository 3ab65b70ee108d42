package config

import (
	"strings"
	"testing"
)

func TestParse_RewritesFaultsOfYAML(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := strings.Join(faultsOf(t, text), "\n"); got != want {
			t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
		}
	}
	const check = "; check indentation, colons, quotes and brackets there and just above"
	f("", "1: the file is empty; write settings into it, such as those of config.example.yaml")
	f("# nothing\n\n", "1: the file is empty; write settings into it, such as those of config.example.yaml")
	f("~", "1: the file is empty; write settings into it, such as those of config.example.yaml")
	f("- a\n- b\n", "1: the file holds a list where a mapping is needed; begin with server: and pools:, as in config.example.yaml")
	f("hello", `1: the file holds the text "hello" where a mapping is needed; begin with server: and pools:, as in config.example.yaml`)
	f("server:\n\tlisteners: []\n", "2: YAML does not allow tabs for indentation; use spaces")
	f("server:\n  listeners:\n  \t- a\n", "3: YAML does not allow tabs for indentation; use spaces")
	f("a: b\n\tc: d\n", "2: YAML does not allow tabs for indentation; use spaces")
	f("server:\n  x: [1, 2\nroutes: []\n", "2: this is not valid YAML: did not find expected ',' or ']'"+check)
	f("server:\n  a: b: c\n", "2: this is not valid YAML: mapping values are not allowed in this context"+check)
	f("\n\nserver:\n   a: 1\n  b: 2\n", "5: this is not valid YAML: did not find expected key"+check)
	f("server:\n  - a\n  b: 2\n", "3: this is not valid YAML: did not find expected '-' indicator"+check)
	f("server:\n  a: \"x\nroutes: 1\n", "2: this is not valid YAML: found unexpected end of stream"+check)
	f("server: {}\n---\npools: {}\n", "2: a second YAML document begins here; keep one document in a file and remove the line ---")
	f("server: {}\n---\n\tx", "3: YAML does not allow tabs for indentation; use spaces")
	f("server: *x\n", "1: an alias (*name) has no anchor: unknown anchor x referenced; put the anchor (&name) above it")
	f("server:\n  a: \xff\n", "2: the file is not UTF-8 text; save it as UTF-8")
	f("server:\n  a: \x00\n", "2: there is a control character (0x00); remove it")
}

func TestParse_TakesWhatEditorsWrite(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if _, err := Parse("f", []byte(text), noEnv); err != nil {
			t.Errorf("%v", err)
		}
	}
	f("\ufeff" + minimal)
	f(strings.ReplaceAll(minimal, "\n", "\r\n"))
	f("---\n" + minimal)
	f("%YAML 1.1\n---\n" + minimal + "...\n")
	f(strings.TrimSuffix(minimal, "\n"))
}
