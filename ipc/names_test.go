package ipc

import (
	"regexp"
	"strings"
	"testing"
)

func TestNames_AreWhatTheProtocolSays(t *testing.T) {
	f := func(name string, want bool) {
		t.Helper()
		if got := validName(name); got != want {
			t.Errorf("validName(%.40q) = %v, want %v", name, got, want)
		}
		if got := validName([]byte(name)); got != want {
			t.Errorf("validName([]byte(%.40q)) = %v, want %v", name, got, want)
		}
	}
	f("a", true)
	f("7", true)
	f("Price.changed_v2:eu/west-1", true)
	f(strings.Repeat("x", 128), true)
	f(strings.Repeat("x", 129), false)
	f("", false)
	for _, first := range []string{".", "_", ":", "/", "-", "*", " ", "é"} {
		f(first+"a", false)
	}
	for _, odd := range []string{"a b", "a\n", "a\x00b", "a*", "a*b", "größe", "a\"b", "a\\b", "a\u202eb", "a%", "a\xff"} {
		f(odd, false)
	}
}

func TestPatterns_MatchNamesAndBeginnings(t *testing.T) {
	f := func(patterns, name string, want bool) {
		t.Helper()
		ps, err := ParsePatterns(strings.Fields(patterns))
		if err != nil {
			t.Fatal(err)
		}
		if got := ps.Match(name); got != want {
			t.Errorf("%q matches %q: %v, want %v", patterns, name, got, want)
		}
		if got := ps.MatchBytes([]byte(name)); got != want {
			t.Errorf("%q matches the bytes of %q: %v, want %v", patterns, name, got, want)
		}
	}
	f("task.run", "task.run", true)
	f("task.run", "task.run2", false)
	f("task.run", "task.ru", false)
	f("task.run", "Task.run", false)
	f("task.*", "task.run", true)
	f("task.*", "task.", true)
	f("task.*", "task", false)
	f("task.*", "tasks.run", false)
	f("task*", "tasks.run", true)
	f("*", "anything", true)
	f("a b* c", "b7", true)
	f("a b* c", "c7", false)
	f("", "a", false)
}

func TestPatterns_SayWhichIsNone(t *testing.T) {
	f := func(bad string) {
		t.Helper()
		ps, err := ParsePatterns([]string{"good", bad, "fine.*"})
		if err == nil || len(ps) != 2 {
			t.Errorf("%q is taken as a pattern: %v", bad, ps)
			return
		}
		if text := err.Error(); !strings.Contains(text, "neither a name nor") || strings.Contains(text, "good") || len(text) > 1000 {
			t.Errorf("the error for %.40q is %q", bad, text)
		}
	}
	f("")
	f("**")
	f("*.run")
	f("a*b")
	f("a*b*")
	f(".a*")
	f("-*")
	f("a b")
	f("[a-z]*")
	f(strings.Repeat("x", 129) + "*")
	f(strings.Repeat("\x00", 1<<20))
}

func TestPatterns_AllocateNothing(t *testing.T) {
	ps, err := ParsePatterns([]string{"price.changed", "task.*", strings.Repeat("long", 20) + "*"})
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("long", 30)
	bytes := []byte(name)
	if n := testing.AllocsPerRun(100, func() {
		if !validName(bytes) || !ps.Match(name) || !ps.MatchBytes(bytes) {
			t.Error("no match")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzNames compares with the sentence of the protocol as a regular expression.
func FuzzNames(f *testing.F) {
	name := regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}\z`)
	for _, s := range []string{"a", "task.*", "*", "", "a*b", "-", "é", "a/b:c_d-e.f"} {
		f.Add(s, "task.run")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		valid := name.MatchString(s)
		if validName(s) != valid || validName([]byte(s)) != valid {
			t.Fatalf("validName(%q) is not %v", s, valid)
		}
		p, err := parsePattern(s)
		if err != nil {
			if valid {
				t.Fatalf("the name %q is no pattern: %v", s, err)
			}
			return
		}
		if p.String() != s {
			t.Fatalf("the pattern %q became %q", s, p)
		}
		prefix, open := strings.CutSuffix(s, "*")
		want := other == s || open && strings.HasPrefix(other, prefix)
		if matchPattern(p, other) != want || matchPattern(p, []byte(other)) != want {
			t.Fatalf("%q matches %q is not %v", s, other, want)
		}
	})
}
