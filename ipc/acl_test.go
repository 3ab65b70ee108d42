package ipc

import (
	"slices"
	"strings"
	"testing"
)

func newTestACL(t testing.TB, rules ...Rule) *ACL {
	t.Helper()
	a, err := NewACL(rules)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestACL_AllowsWhatTheRulesSay(t *testing.T) {
	var (
		none    = newTestACL(t)
		toJobs  = newTestACL(t, Rule{From: "web", To: "jobs", Types: []string{"task.*", "ping"}})
		anybody = newTestACL(t, Rule{From: "*", To: "log", Types: []string{"line"}})
		fromOne = newTestACL(t, Rule{From: "admin", To: "*"})
		strict  = newTestACL(t, Rule{From: "web", To: "web", Types: []string{"sync"}}, Rule{From: "*", To: "*", Types: []string{"news"}})
		mute    = newTestACL(t, Rule{From: "*", To: "*", Types: []string{"news"}})
	)
	for _, c := range []struct {
		acl            *ACL
		from, to, kind string
		want           bool
	}{
		{none, "web", "web", "anything", true},
		{none, "web", "jobs", "anything", false},
		{toJobs, "web", "jobs", "task.run", true},
		{toJobs, "web", "jobs", "ping", true},
		{toJobs, "web", "jobs", "pings", false},
		{toJobs, "jobs", "web", "task.run", false}, // a rule has a direction
		{toJobs, "web", "web", "anything", true},
		{toJobs, "web", "jobs2", "task.run", false},
		{toJobs, "web2", "jobs", "task.run", false},
		{toJobs, "*", "jobs", "task.run", false}, // no pool is called so, but nor does it open a door
		{toJobs, "web", "*", "task.run", false},
		{toJobs, "", "", "x", true},
		{anybody, "web", "log", "line", true},
		{anybody, "web", "log", "lines", false},
		{anybody, "log", "web", "line", false},
		{anybody, "log", "log", "anything", true}, // a wildcard does not list the pool's own traffic
		{fromOne, "admin", "web", "anything", true},
		{fromOne, "admin", "admin", "anything", true},
		{fromOne, "web", "admin", "anything", false},
		{strict, "web", "web", "sync", true},
		{strict, "web", "web", "news", true}, // by the other rule
		{strict, "web", "web", "other", false},
		{strict, "jobs", "jobs", "other", true},
		{strict, "jobs", "web", "news", true},
		{strict, "jobs", "web", "sync", false},
		{mute, "web", "web", "other", true},
	} {
		if got := c.acl.Allows(c.from, c.to, c.kind); got != c.want {
			t.Errorf("%+v allows %q to send %q to %q: %v", c.acl.rules, c.from, c.kind, c.to, got)
		}
	}
}

func TestACL_TargetsAreThePoolsThatAnythingReaches(t *testing.T) {
	pools := []string{"admin", "jobs", "log", "web"}
	a := newTestACL(t,
		Rule{From: "web", To: "jobs", Types: []string{"task.*"}},
		Rule{From: "*", To: "log", Types: []string{"line"}},
		Rule{From: "admin", To: "*"},
		Rule{From: "jobs", To: "jobs", Types: []string{"sync"}})
	f := func(from, want string) {
		t.Helper()
		if got := strings.Join(a.Targets(from, pools), " "); got != want {
			t.Errorf("%s reaches %q, want %q", from, got, want)
		}
	}
	f("web", "jobs log web")
	f("jobs", "jobs log")
	f("log", "log")
	f("admin", "admin jobs log web")
	f("other", "log")
}

func TestACL_SaysWhichTypeIsNoPattern(t *testing.T) {
	_, err := NewACL([]Rule{{From: "a", To: "b"}, {From: "a", To: "c", Types: []string{"fine", "a*b"}}})
	if err == nil || !strings.Contains(err.Error(), `ipc.allow[1].types: "a*b"`) {
		t.Errorf("error is %v", err)
	}
}

func TestACL_AllowsAllocatesNothing(t *testing.T) {
	a := newTestACL(t, manyRules(20)...)
	if n := testing.AllocsPerRun(100, func() {
		if !a.Allows("pool19", "jobs", "task.run") || a.Allows("web", "other", "task.run") {
			t.Error("not what the rules say")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func manyRules(n int) []Rule {
	var rules []Rule
	for i := range n {
		rules = append(rules, Rule{From: "pool" + string(rune('0'+i/10)) + string(rune('0'+i%10)), To: "jobs", Types: []string{"ping", "task.*"}})
	}
	return slices.Clip(rules)
}

func BenchmarkACL_Allows(b *testing.B) {
	f := func(name string, a *ACL, from, to string) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !a.Allows(from, to, "task.run") {
					b.Fatal("forbidden")
				}
			}
		})
	}
	f("none", newTestACL(b), "web", "web")
	f("20rules", newTestACL(b, manyRules(20)...), "pool19", "jobs")
}
