package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestValidate_IPC(t *testing.T) {
	f := rule(t)
	i := func(inside string, want ...string) {
		t.Helper()
		f("routes:", "ipc: { "+inside+" }\nroutes:", want...)
	}
	i("encryption: on, keyRotation: 1m, maxMessageBytes: 1KB, maxDepth: 1, requestTimeout: 1h, queueLength: 1")
	i("encryption: yes", `ipc.encryption: "yes" is not known; use one of off, on`)
	i("keyRotation: 0, maxMessageBytes: 9MB, maxDepth: 0, requestTimeout: 2h, queueLength: 0", "ipc.keyRotation: 0s is out of range; use 1s to 8760h",
		"ipc.maxDepth: 0 is out of range; use 1 to 512", "ipc.maxMessageBytes: 9MB is out of range; use 1KB to 8MB",
		"ipc.queueLength: 0 is out of range; use 1 to 100000", "ipc.requestTimeout: 2h is out of range; use 1ms to 1h")
	const remedy = `; write a type such as price.changed, or its beginning with * at the end, as in price.*`
	i(`types: [ price.changed, "price.*", "*", a:b/c_d-e ]`)
	i(`types: [ "*.x", "", ".x", "a b", "a**", `+strings.Repeat("x", 129)+` ]`,
		`ipc.types[0]: "*.x" is no pattern of types`+remedy, `ipc.types[1]: "" is no pattern of types`+remedy, `ipc.types[2]: ".x" is no pattern of types`+remedy,
		`ipc.types[3]: "a b" is no pattern of types`+remedy, `ipc.types[4]: "a**" is no pattern of types`+remedy, `ipc.types[5]: the pattern has 129 characters; use at most 128`)
}

func TestValidate_AllowNamesPoolsWithWorkers(t *testing.T) {
	f := rule(t)
	a := func(rules string, want ...string) {
		t.Helper()
		f("routes:", "ipc: { allow: [ "+rules+" ] }\nroutes:", want...)
	}
	a(`{ from: app, to: app, types: [ "task.*" ] }, { from: "*", to: "*" }`)
	a("{}", "ipc.allow[0].from: is missing; name the pool that sends, or * for all", "ipc.allow[0].to: is missing; name the pool that receives, or * for all")
	a("{ from: ap, to: other, types: [ '' ] }", `ipc.allow[0].from: there is no pool "ap"; did you mean "app"? add it under pools, or use one of app, other`,
		`ipc.allow[0].to: pool "other" has no workers; name one that has a command`,
		`ipc.allow[0].types[0]: "" is no pattern of types; write a type such as price.changed, or its beginning with * at the end, as in price.*`)
	a("{ form: app, to: app }", `ipc.allow[0].form: unknown key; did you mean "from"?`, "ipc.allow[0].from: is missing; name the pool that sends, or * for all")
}

func TestValidate_Schemas(t *testing.T) {
	f := rule(t)
	s := func(path, problem string) {
		t.Helper()
		const remedy = "; name a file that holds a JSON Schema; it is relative to the folder drover is started in"
		var want []string
		if problem != "" {
			want = []string{`ipc.schemas["task.*"]: ` + problem + remedy}
		}
		f("routes:", "ipc: { schemas: { \"task.*\": '"+path+"' } }\nroutes:", want...)
	}
	s(write(t, "s.json", ` {"type": "object"}`+"\n", 0o600), "")
	s(write(t, "s.json", "false", 0o600), "")
	s("", "is missing")
	s("/none", `"/none" does not exist`)
	for _, text := range []string{"", "{", "[]", "7", "null", `"x"`, "{} {}"} {
		bad := write(t, "s.json", text, 0o600)
		s(bad, quote(bad)+" holds no JSON Schema")
	}
	f("routes:", "ipc: { schemas: { 'a b': '"+write(t, "s.json", "{}", 0o600)+"' } }\nroutes:",
		`ipc.schemas["a b"]: "a b" is no pattern of types; write a type such as price.changed, or its beginning with * at the end, as in price.*`)
}

func TestValidate_FilesOfIPCAndCache(t *testing.T) {
	f := rule(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "new.log")
	s := func(lines string, want ...string) { t.Helper(); f("routes:", lines+"\nroutes:", want...) }
	s("ipc: { audit: { enabled: true, file: " + name + ", content: true, maxSize: 1KB, maxFiles: 1 } }")
	s("ipc: { audit: { enabled: true } }", "ipc.audit.file: is missing; name the file that messages are logged to, or remove enabled")
	s("ipc: { audit: { file: "+dir+", maxSize: 1, maxFiles: 0 } }", `ipc.audit.file: "`+dir+`" is not a file; name one; it is made when it is missing`,
		"ipc.audit.maxFiles: 0 is out of range; use 1 to 100000", "ipc.audit.maxSize: 1 is out of range; use 1KB to 1TB")
	s("ipc: { audit: { file: a } }\nlogging: { files: [ { path: a } ] }", `ipc.audit.file: "a" is already logging.files[0]; choose another file`)
	s("cache: { file: \"a\\0\" }", `cache.file: "a\x00" is not the path of a file; write another`)
	s("cache: { file: a }\nipc: { audit: { file: a } }", `cache.file: "a" is already ipc.audit.file; choose another file`)
}
