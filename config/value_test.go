package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// withValue is a file whose cache has one entry to begin with.
func withValue(value string) string {
	return minimal + "cache:\n  warm:\n    - { namespace: n, key: k, value: " + value + " }\n"
}

func TestValue_IsTheJSONOfWhatIsWritten(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		c := parseWith(t, withValue(value), map[string]string{"N": "5", "S": " a\"b: ", "E": ""})
		if got := string(c.Cache.Warm[0].Value); got != want || !json.Valid([]byte(got)) {
			t.Errorf("%s\ngot  %s\nwant %s", value, got, want)
		}
	}
	f(`text`, `"text"`)
	f(`"1"`, `"1"`)
	f(`1`, `1`)
	f(`-1.50`, `-1.50`) // its digits are kept
	f(`123456789012345678901234567890`, `123456789012345678901234567890`)
	f(`0x1F`, `31`)
	f(`.5`, `0.5`)
	f(`+7`, `7`)
	f(`2020-01-01`, `"2020-01-01"`)
	f(`true`, `true`)
	f(`True`, `true`)
	f(`yes`, `"yes"`)
	f(`~`, `null`)
	f(`!!str 12`, `"12"`)
	f(`"${N}"`, `"5"`)
	f(`"<${S}>$$"`, `"< a\"b: >$"`)
	f(`[]`, `[]`)
	f(`{}`, `{}`)
	f(`{ b: [ 1, { a: null } ], a: "\u0001\u2028" }`, `{"b":[1,{"a":null}],"a":"\u0001\u2028"}`)
	f(`{ "$$": $$ }`, `{"$$":"$"}`) // keys are not substituted
	f(`{ a: &x { b: 1 }, c: *x, d: { <<: *x, e: 2 } }`, `{"a":{"b":1},"c":{"b":1},"d":{"e":2,"b":1}}`)
	c := parseWith(t, strings.Replace(withValue("X"), "{ namespace: n, key: k, value: X }", "namespace: n\n      key: k\n      value:\n        n: ${N}\n        e: ${E}", 1), map[string]string{"N": "5", "E": ""})
	if got := c.Cache.Warm[0].Value; got != `{"n":5,"e":null}` { // a value without quotes gets its type after replacement
		t.Errorf("got %s", got)
	}
}

func TestValue_FaultsHaveTheirPlace(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		got := faultsOf(t, withValue(value))
		if len(got) != 1 || got[0] != "9: cache.warm[0].value"+want {
			t.Errorf("%s\ngot  %q\nwant %q", value, got, want)
		}
	}
	f(``, `: has no value; give it one, or remove the key`)
	f(`.inf`, `: ".inf" is no number that JSON has; put it in quotes, if it is text`)
	f(`[ 1, { a: .nan } ]`, `[1].a: ".nan" is no number that JSON has; put it in quotes, if it is text`)
	f(`"${NONE}"`, `: the environment variable NONE is not set; set it, or write ${NONE:-default}, or $${NONE} for this very text`)
	f(`!secret x`, `: the tag "!secret" has no meaning here; remove it`)
	f(`{ a: 1, a: 2 }`, `.a: is given twice, first on line 9; keep one of them`)
	f(strings.Repeat("[", 102)+strings.Repeat("]", 102), `: is nested more than 100 deep; make it flatter`)
	f(`&a [ *a ]`, `: is nested more than 100 deep; make it flatter`)
}

// TestValue_AliasesCannotFillTheMemory with copies of one long text.
func TestValue_AliasesCannotFillTheMemory(t *testing.T) {
	got := faultsOf(t, withValue(`[ &a "`+strings.Repeat("x", 100_000)+`"`+strings.Repeat(", *a", 1000)+` ]`))
	if len(got) != 1 || !strings.Contains(got[0], "the values of the file have more than 16MB, aliases followed") {
		t.Errorf("got %d faults: %.200q", len(got), got)
	}
}
