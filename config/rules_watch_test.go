package config

import "testing"

func TestValidate_Watch(t *testing.T) {
	f := rule(t)
	const base = `command: ["true"]`
	const remedy = "; write a path below directory in which * stands for a part of a name and ** for any folders, such as src/**/*.js"
	with := func(patterns string, want ...string) {
		t.Helper()
		f(base, base+"\n    processManagement: { watch: ["+patterns+"] }", want...)
	}
	with(`"src/**/*.js", ".env", "**", ".config/*"`)
	const key = "pools.app.processManagement.watch[0]: "
	for _, bad := range []string{"", "/etc/*", "../x", "..", "a/../b", "./a", "a//b"} {
		with(`"`+bad+`"`, key+`"`+bad+`" is not a path below directory`+remedy)
	}
	with(`"src/["`, key+`"[" is no pattern: syntax error in pattern`+remedy)
}
