package config

import "testing"

func TestValidate_SecurityModules(t *testing.T) {
	f := rule(t)
	const base, key = `command: ["true"]`, "pools.app.security.modules"
	const remedy = `; write a name as it is loaded, such as child_process, lodash or concurrent.futures, or the beginning of names with * at its end`
	with := func(text string, want ...string) {
		t.Helper()
		f(base, base+"\n    security: { modules: { "+text+" } }", want...)
	}
	with(`allow: [express, "@scope/*", "node:*", "*"], deny: [child_process, fs/promises, concurrent.futures]`)
	with(`deny: [""]`, key+`.deny[0]: "" is no pattern of modules`+remedy)
	with(`allow: [a, "*b"]`, key+`.allow[1]: "*b" is no pattern of modules`+remedy)
	with(`deny: ["a b"]`, key+`.deny[0]: "a b" is no pattern of modules`+remedy)
	f(base, `upstreams: [ { address: "127.0.0.1:9" } ]
    security: { modules: { deny: [a] } }`, key+": the pool starts no program that it could restrict; remove it, or add a command")
}
