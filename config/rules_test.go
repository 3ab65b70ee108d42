package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// rule is a file with one change, and the faults it must have.
func rule(t *testing.T) func(old, replacement string, want ...string) {
	const base = `server:
  listeners:
    - { address: ":8080", pool: app }
    - { address: "unix:/tmp/x.sock", pool: app }
routes:
  - match: { path: /v1/ }
    pool: app
pools:
  app:
    command: ["true"]
  other:
    upstreams: [ { address: "10.0.0.5:80" } ]
`
	return func(old, replacement string, want ...string) {
		t.Helper()
		if !strings.Contains(base, old) {
			t.Fatalf("no %q in the file", old)
		}
		got := faultsOf(t, strings.Replace(base, old, replacement, 1))
		for i := range got {
			_, got[i], _ = strings.Cut(got[i], ": ")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", replacement, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

func TestValidate_Listeners(t *testing.T) {
	f := rule(t)
	const first, forms = `{ address: ":8080", pool: app }`, "; write host:port, such as 127.0.0.1:8080, or unix:/path"
	f(first, first)
	for _, good := range []string{"localhost:0", "[::1]:80", "0.0.0.0:80", "my_host.example:80", "[fe80::1%eth0]:80"} {
		f(first, `{ address: "`+good+`" }`)
	}
	f(first, `{ pool: app }`, "server.listeners[0].address: is missing"+forms)
	f(first, `{ address: "8080" }`, `server.listeners[0].address: "8080" is not an address`+forms)
	f(first, `{ address: "http://localhost:80" }`, `server.listeners[0].address: "http://localhost:80" is a URL`+forms)
	f(first, `{ address: "a b:80" }`, `server.listeners[0].address: "a b:80" has no valid host`+forms)
	f(first, `{ address: ":99999" }`, `server.listeners[0].address: ":99999" has no valid port; use a port from 1 to 65535`)
	f(first, `{ address: ":http" }`, `server.listeners[0].address: ":http" has no valid port; use a port from 1 to 65535`)
	f(first, `{ address: "unix:x.sock" }`, `server.listeners[0].address: "x.sock" is not the absolute path of a socket; write unix:/path/to/socket`)
	f(first, `{ address: "unix:/`+strings.Repeat("x", 103)+`" }`, `server.listeners[0].address: the socket's path has 104 bytes; use a path of at most 103`)
	f(first, `{ address: ":80", protocol: udp }`, `server.listeners[0].protocol: "udp" is not known; use one of http, tcp`)
	f(first, `{ address: ":80", protocol: tls-passthrough }`, `server.listeners[0].protocol: "tls-passthrough" is not known; use one of http, tcp`)
	f(first, `{ address: ":80", protocol: tcp }`, `server.listeners[0].pool: a tcp listener needs a pool; name the pool that gets its connections`)
	f(first, `{ address: ":80", pool: apps }`, `server.listeners[0].pool: there is no pool "apps"; did you mean "app"? add it under pools, or use one of app, other`)
	f(first, `{ address: ":80", name: "a b" }`, `server.listeners[0].name: "a b" is no good as a name; use letters, digits and - _ . : / without spaces`)
	f(first, first+"\n    - { address: '127.0.0.1:8080' }", `server.listeners[1].address: 127.0.0.1:8080 is already taken by server.listeners[0] (:8080); give each listener an address of its own`)
	f(first, first+"\n    - { address: 'unix:/tmp/x.sock' }", `server.listeners[2].address: unix:/tmp/x.sock is already taken by server.listeners[1] (unix:/tmp/x.sock); give each listener an address of its own`)
	f(first, "{ address: '127.0.0.1:80' }\n    - { address: '127.0.0.2:80' }\n    - { address: ':0' }\n    - { address: '127.0.0.1:0' }")
	f(first, "{ address: ':1', name: a }\n    - { address: ':2', name: a }", `server.listeners[1].name: "a" is also the name of server.listeners[0]; give each listener a name of its own`)
	f("routes:", "  trustedProxies: [ 10.0.0.0/8, '::1/128', 10.0.0.1, x ]\nroutes:",
		`server.trustedProxies[2]: "10.0.0.1" is an address, not a network; write 10.0.0.1/32`,
		`server.trustedProxies[3]: "x" is not a network; write it as in 10.0.0.0/8`)
	if got := faultsOf(t, "pools: { app: { command: [\"true\"] } }"); len(got) != 1 || got[0] != `1: server.listeners: there is no listener; add one, such as - { address: ":8080", pool: app }` {
		t.Errorf("got %q", got)
	}
	if got := faultsOf(t, "pools: { jobs: { command: [\"true\"], processManagement: { ready: notify } } }"); len(got) != 0 {
		t.Errorf("got %q of workers that need no listener", got)
	}
}

func TestValidate_Routes(t *testing.T) {
	f := rule(t)
	const match = "match: { path: /v1/ }"
	m := func(inside string, want ...string) { t.Helper(); f(match, "match: { "+inside+" }", want...) }
	m(`host: api.example.com, methods: [GET, M-SEARCH], headers: { X-A: "" }`)
	m(`host: "*.example.com"`)
	m(`host: "[::1]"`)
	m(`host: "example.com:80"`, `routes[0].match.host: "example.com:80" has a port, which does not matter for the match; write example.com`)
	m(`host: "a.*.com"`, `routes[0].match.host: "a.*.com" is not a host; write one such as api.example.com or *.example.com`)
	m(`host: "http://a"`, `routes[0].match.host: "http://a" is not a host; write one such as api.example.com or *.example.com`)
	m(`path: v1`, `routes[0].match.path: "v1" does not begin with /; write "/v1"`)
	m(`path: "/v1?x"`, `routes[0].match.path: "/v1?x" has "?" in it; write the path alone, without query, spaces or control characters`)
	m(`methods: [get, "G T"]`, `routes[0].match.methods[0]: "get" is not in capitals; write GET`, `routes[0].match.methods[1]: "G T" is not a method; write one such as GET`)
	m(`headers: { "X A": b }`, `routes[0].match.headers["X A"]: "X A" is not the name of a header; write one such as X-Version`)
	m(`headers: { X-A: "a\r\nb", x-a: b }`, `routes[0].match.headers.X-A: the value has a line break or another control character; remove it`, `routes[0].match.headers.x-a: is the same header as X-A; keep one of them`)
	m(`headers: { Host: a }`)
	const pool = "    pool: app\npools:"
	r := func(lines string, want ...string) { t.Helper(); f(pool, lines+"\npools:", want...) }
	r("", `routes[0].pool: is missing; name the pool that gets the requests`)
	r("    pool: gone", `routes[0].pool: there is no pool "gone"; add it under pools, or use one of app, other`)
	r("    pool: app\n    stripPrefix: /v1")
	r("    pool: app\n    stripPrefix: /v1/")
	r("    pool: app\n    stripPrefix: v1", `routes[0].stripPrefix: "v1" does not begin with /; write "/v1"`)
	r("    pool: app\n    stripPrefix: /", `routes[0].stripPrefix: "/" takes nothing away; remove the key`)
	r("    pool: app\n    stripPrefix: /v", `routes[0].stripPrefix: "/v" is not the beginning of match.path "/v1/"; set match.path to "/v/", or strip a part of it`)
	r("    pool: app\n    stripPrefix: /v1/x", `routes[0].stripPrefix: "/v1/x" is not the beginning of match.path "/v1/"; set match.path to "/v1/x/", or strip a part of it`)
	r("    pool: app\n    headers: { request: { set: { X-A: b }, remove: [ Cookie ] }, response: { set: { Content-Length: 1 }, remove: [ 'a b', connection ] } }",
		`routes[0].headers.response.remove[0]: "a b" is not the name of a header; write one such as X-Version`,
		`routes[0].headers.response.remove[1]: connection is set by drover for each connection; remove it from the edits`,
		`routes[0].headers.response.set.Content-Length: Content-Length is set by drover for each connection; remove it from the edits`)
	r("    pool: app\n    headers: { request: { set: { Host: app.internal:8080 } } }")
	r("    pool: app\n    headers: { request: { set: { Host: a/b }, remove: [ host ] }, response: { set: { host: a } } }",
		`routes[0].headers.request.remove[0]: host is set by drover for each connection; remove it from the edits`,
		`routes[0].headers.request.set.Host: "a/b" is not a host; write one such as app.internal or app.internal:8080`,
		`routes[0].headers.response.set.host: host is set by drover for each connection; remove it from the edits`)
	r("    pool: app\n    timeouts: { firstByte: -1, total: 0 }", `routes[0].timeouts.firstByte: "-1" is negative; use 0 or more`)
}

func TestValidate_PoolNames(t *testing.T) {
	f := rule(t)
	const other = "  other:"
	const remedy = "; use lower-case letters, digits, - and _, at most 40, a letter or digit first"
	f(other, "  0_a-b:")
	f(other, "  "+strings.Repeat("a", 40)+":")
	f(other, "  "+strings.Repeat("a", 41)+":", `pools.`+strings.Repeat("a", 41)+`: "`+strings.Repeat("a", 41)+`" is no good as the name of a pool`+remedy)
	f(other, "  Other:", `pools.Other: "Other" is no good as the name of a pool`+remedy)
	f(other, "  a.b:", `pools["a.b"]: "a.b" is no good as the name of a pool`+remedy)
	f(other, "  -a:", `pools.-a: "-a" is no good as the name of a pool`+remedy)
	f(other, "  app-3:", `pools.app-3: the name could be that of a worker of pool app; choose one that is not app- and a number`)
	f(other, "  app-v3:")
	f(other, "  web-3:") // there is no pool web
	f(other, "  app-3-x:")
}

func TestValidate_Pools(t *testing.T) {
	f := rule(t)
	p := func(lines string, want ...string) {
		t.Helper()
		f("    command: [\"true\"]\n", "    command: [\"true\"]\n    "+lines+"\n", want...)
	}
	f(`    command: ["true"]`, "    workers: 2", "pools.app: has neither a command nor upstreams; add command: [PROGRAM, ARGUMENT], or upstreams with addresses")
	p("workers: 0")
	p("workers: 1024")
	p("workers: 1025", "pools.app.workers: 1025 is out of range; use 0 to 1024")
	p("transport: pipe", `pools.app.transport: "pipe" is not known; use one of auto, port, socket`)
	p("strategy: round_robin", `pools.app.strategy: "round_robin" is not known; did you mean "round-robin"? use one of least-connections, round-robin, weighted-round-robin, health-aware, random, power-of-two, least-response-time, consistent-hash`)
	p(`strategy: ""`, `pools.app.strategy: is missing; use one of least-connections, round-robin, weighted-round-robin, health-aware, random, power-of-two, least-response-time, consistent-hash`)
	for _, good := range []string{"clientIP", "path", "header:X-A", "cookie:sid"} {
		p("hashOn: " + good)
	}
	p("hashOn: header", `pools.app.hashOn: "header" is not known; use clientIP, path, header:NAME or cookie:NAME`)
	p("hashOn: 'cookie:a b'", `pools.app.hashOn: "cookie:a b" has no valid name after the colon; use clientIP, path, header:NAME or cookie:NAME`)
	p("sticky: { cookie: drover, ttl: 1s }")
	p("sticky: { cookie: 'a b', ttl: 0 }", `pools.app.sticky.cookie: "a b" is not the name of a cookie; write one such as drover`, "pools.app.sticky.ttl: 0s is out of range; use 1s to 87600h")
	p("sticky: { cookie: __Host-a }", `pools.app.sticky.cookie: "__Host-a" is refused by browsers that came without TLS; leave the prefix out`)
	p("slowStart: 25h", "pools.app.slowStart: 25h is out of range; use 0s to 24h")
	p("upstreams: [ { address: ':80' } ]", `pools.app.upstreams[0].address: ":80" has no host; write host:port, such as 127.0.0.1:8080, or unix:/path`)
	p("upstreams: [ { address: 'a:0' } ]", `pools.app.upstreams[0].address: "a:0" has no valid port; use a port from 1 to 65535`)
	p("upstreams: [ { address: 'a:80', weight: 257 } ]", `pools.app.upstreams[0].weight: 257 is out of range; use 0 to 256`)
	p("upstreams: [ { address: 'a:80', weight: -1 } ]", `pools.app.upstreams[0].weight: -1 is out of range; use 0 to 256`)
	p("upstreams: [ { address: 'a:80' }, { address: 'a:80' }, { address: 'b:80', name: 'a:80' } ]",
		`pools.app.upstreams[1]: "a:80" is also the name of pools.app.upstreams[0]; give each upstream of a pool a name of its own`,
		`pools.app.upstreams[2]: "a:80" is also the name of pools.app.upstreams[1]; give each upstream of a pool a name of its own`)
	p("upstreams: [ { address: 'a:80', name: app-2 }, { address: 'a:80', name: app-2.1 }, { address: 'a:80', name: other-2 } ]",
		`pools.app.upstreams[0].name: "app-2" could be a worker of pool app; choose another name`,
		`pools.app.upstreams[1].name: "app-2.1" could be a worker of pool app; choose another name`)
	p("retry: { attempts: 0, on: [ refused, all ] }", "pools.app.retry.attempts: 0 is out of range; use 1 to 100",
		`pools.app.retry.on[1]: "all" is not known; use one of connect-failure, refused, reset-before-response, gateway-error`)
	p("retry: { on: [] }")
	p("retry: { budget: 120%, backoff: { initial: 2s, max: 1s } }",
		"pools.app.retry.backoff.initial: 2s exceeds max 1s; make it smaller than the max", `pools.app.retry.budget: "120%" is out of range; use 0% to 100%`)
	p("circuitBreaker: { failureRatio: 0, minRequests: 0, interval: 0, openFor: 25h, halfOpenRequests: 0 }",
		"pools.app.circuitBreaker.failureRatio: 0% is out of range; use 0.1% to 100%", "pools.app.circuitBreaker.halfOpenRequests: 0 is out of range; use 1 to 1000000",
		"pools.app.circuitBreaker.interval: 0s is out of range; use 1ms to 24h", "pools.app.circuitBreaker.minRequests: 0 is out of range; use 1 to 1000000",
		"pools.app.circuitBreaker.openFor: 25h is out of range; use 1ms to 24h")
	p("outlier: { ejectFor: 2m, maxEjectFor: 1m }", "pools.app.outlier.ejectFor: 2m exceeds maxEjectFor 1m; make it smaller than the maxEjectFor")
	p("processManagement: { restartDelay: 2m, maxRestartDelay: 1m }", "pools.app.processManagement.restartDelay: 2m exceeds maxRestartDelay 1m; make it smaller than the maxRestartDelay")
	p("processManagement: { rolling: { maxSurge: 0 } }", "pools.app.processManagement.rolling: maxSurge and maxUnavailable are both 0, so that no worker could be replaced; set one of them to 1 or more")
	p("processManagement: { rolling: { maxSurge: 0, maxUnavailable: 1 } }")
	p("processManagement: { dumpSignal: SIGSTOP }", `pools.app.processManagement.dumpSignal: "SIGSTOP" is not known; use one of "", SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGHUP, SIGINT, SIGTRAP`)
	p("processManagement: { stopSignal: TERM, ready: yes }", `pools.app.processManagement.ready: "yes" is not known; use one of probe, notify`,
		`pools.app.processManagement.stopSignal: "TERM" is not known; did you mean "SIGTERM"? use one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL`)
}

func TestValidate_HealthChecks(t *testing.T) {
	f := rule(t)
	h := func(inside string, want ...string) {
		t.Helper()
		f("    command: [\"true\"]\n", "    command: [\"true\"]\n    healthCheck: { "+inside+" }\n", want...)
	}
	h("interval: 10s, timeout: 30s", "pools.app.healthCheck.timeout: 30s exceeds interval 10s; make it smaller than the interval")
	h("interval: 10s, timeout: 10s")
	h("endpoint: '/health?full=1&x=a?b', expectStatus: '200-399, 404', expectBody: ok")
	h("endpoint: health", `pools.app.healthCheck.endpoint: "health" does not begin with /; write "/health"`)
	h("endpoint: 'http://localhost/health'", `pools.app.healthCheck.endpoint: "http://localhost/health" is a URL; write the path alone, such as /health; the address is that of the upstream`)
	h("endpoint: /%zz", `pools.app.healthCheck.endpoint: "/%zz" is not a path; write one such as /health`)
	for _, bad := range []string{"", "OK", "200-", "99", "600", "399-200", "200,,201", "200-300-400", "-1"} {
		h("endpoint: /, expectStatus: '"+bad+"'", `pools.app.healthCheck.expectStatus: "`+bad+`" are no statuses; write statuses from 100 to 599 and ranges, as in 200-399,404`)
	}
	h("type: exec", "pools.app.healthCheck.command: type exec needs a command; add command: [PROGRAM, ARGUMENT]")
	h(`type: exec, command: ["true"]`)
	h(`command: ["true"]`, "pools.app.healthCheck.command: a command is only run by type exec; add type: exec, or remove the command")
	h("type: tcp, endpoint: /", "pools.app.healthCheck.endpoint: is only for type http; add type: http, or remove it")
	h("type: tcp, expectBody: x", "pools.app.healthCheck.expectBody: is only for type http; add type: http with an endpoint such as /health, or remove it")
	h("expectStatus: '200'", "pools.app.healthCheck.expectStatus: needs an endpoint; add type: http with an endpoint such as /health, or remove it")
	h("expectBody: x", "pools.app.healthCheck.expectBody: needs an endpoint; add type: http with an endpoint such as /health, or remove it")
	h("type: grpc", `pools.app.healthCheck.type: "grpc" is not known; use one of http, tcp, exec, ipc`)
	h("type: ipc")
	h("type: ipc, endpoint: /", "pools.app.healthCheck.endpoint: is only for type http; add type: http, or remove it")
	f("upstreams: [", "healthCheck: { type: ipc }\n    upstreams: [", "pools.other.healthCheck.type: the pool has no command, and only workers have a channel; use http, tcp or exec")
	f("upstreams: [", "healthCheck: { type: ipc }\n    command: [\"true\"]\n    upstreams: [",
		"pools.other.healthCheck.type: the pool has upstreams, and only workers have a channel; use http, tcp or exec, or put the upstreams into a pool of their own")
	h("maxFailures: 0, minSuccesses: 1001, interval: 1ms", "pools.app.healthCheck.interval: 1ms is out of range; use 10ms to 24h",
		"pools.app.healthCheck.maxFailures: 0 is out of range; use 1 to 1000", "pools.app.healthCheck.minSuccesses: 1001 is out of range; use 1 to 1000")
}

func TestValidate_Confinement(t *testing.T) {
	f := rule(t)
	p := func(lines string, want ...string) {
		t.Helper()
		f("    command: [\"true\"]\n", "    command: [\"true\"]\n    "+lines+"\n", want...)
	}
	p("security: { user: nobody-such }", `pools.app.security.user: there is no user "nobody-such"; make it, or name another`)
	p("security: { group: none such }", `pools.app.security.group: there is no group "none such"; make it, or name another`)
	p("security: { user: \"4294967296\" }", `pools.app.security.user: there is no user "4294967296"; make it, or name another`)
	p("security: { sandbox: loose }", `pools.app.security.sandbox: "loose" is not known; use one of off, standard, strict`)
	p("security: { sandbox: strict, noNewPrivileges: false }", "pools.app.security.noNewPrivileges: a sandbox needs it; set it to true, or sandbox: off")
	p("directory: /../\n    security: { sandbox: standard }", "pools.app.directory: is /, and workers in a sandbox may read all that is in it; name the folder of the application")
	p("directory: /")
	p("security: { writablePaths: [/tmp] }", "pools.app.security.writablePaths: has no effect without a sandbox; add sandbox: standard, or remove it")
	p("security: { sandbox: standard, readOnlyPaths: [/none/such], writablePaths: [/tmp] }",
		`pools.app.security.readOnlyPaths[0]: "/none/such" does not exist; make it, or remove it; it is relative to the folder drover is started in`)
	real, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	for _, err := range []error{os.Mkdir(filepath.Join(real, "lib"), 0o700), os.Symlink(real, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p("security: { sandbox: standard, readOnlyPaths: [/usr, "+link+"/lib], writablePaths: [/tmp/../var, "+real+"] }",
		`pools.app.security.readOnlyPaths[1]: "`+link+`/lib" may be changed all the same, since writablePaths has "`+real+`"; name less in writablePaths, or remove it`)
	p("security: { sandbox: standard, readOnlyPaths: [" + real + "], writablePaths: [" + link + "/lib] }")
	const noPort = "pools.app.security.privateNetwork: drover cannot reach a port of a worker that has a network of its own; add transport: socket to the pool, or remove it"
	p("security: { privateNetwork: true }", noPort)
	p("transport: port\n    security: { privateNetwork: true }", noPort)
	p("transport: socket\n    security: { privateNetwork: true }")
	p("security: { privatePids: true, privateNetwork: false }")
	p("security: { privatePids: 1 }", `pools.app.security.privatePids: "1" is not true or false; write true or false`)
	sudo := filepath.Join(t.TempDir(), "sudo")
	if err := os.WriteFile(sudo, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f(`["true"]`, `["`+sudo+`"]`, "pools.app.command[0]: sudo cannot work with security.noNewPrivileges; use security.user in its place, or set security.noNewPrivileges: false")
	f(`["true"]`, `["`+sudo+`"]`+"\n    security: { noNewPrivileges: false }")
	const noWorkers = "the pool has no command, and only workers are held to it; remove it"
	f(`    command: ["true"]`, "    upstreams: [{ address: \"10.0.0.1:80\" }]\n    resources: { maxOpenFiles: 100 }\n    security: { group: \"0\" }",
		"pools.app.resources: "+noWorkers, "pools.app.security: "+noWorkers)
	f(`    command: ["true"]`, "    upstreams: [{ address: \"10.0.0.1:80\" }]\n    security: { privatePids: true }", "pools.app.security: "+noWorkers)
}

func TestValidate_Workers(t *testing.T) {
	f := rule(t)
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"run": 0o755, "data": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	c := func(command, rest string, want ...string) {
		t.Helper()
		f("    command: [\"true\"]\n", "    command: "+command+"\n    directory: "+dir+"\n    "+rest+"\n", want...)
	}
	c(`["true"]`, "")
	c(`[./run]`, "")
	c(`[`+dir+`/run]`, "")
	c(`["${DROVER}", sample-app]`, "")
	c(`["./${SLOT}"]`, "")
	c(`[run]`, "env: { PATH: /nowhere:"+dir+" }")
	c(`[run]`, "env: { PATH: '.' }")
	c(`[run]`, "", `pools.app.command[0]: "run": command not found in PATH; write ./run for the one in "`+dir+`"`)
	c(`[data]`, "", `pools.app.command[0]: "data": command not found in PATH; write the program that runs it first, such as node`)
	c(`[no-such-command]`, "", `pools.app.command[0]: "no-such-command": command not found in PATH; install it, correct the name, or write the path of the program`)
	c(`["node server.js"]`, "", `pools.app.command[0]: "node server.js": command not found in PATH; write one item for each argument: [node, server.js]`)
	c(`[./none]`, "", `pools.app.command[0]: "./none": command not found in directory "`+dir+`"; correct the path, which is relative to the pool's directory`)
	c(`[/none/at/all]`, "", `pools.app.command[0]: "/none/at/all": command not found; correct the path`)
	c(`[./data]`, "", `pools.app.command[0]: "./data" is not executable; chmod +x it, or write the program that runs it first, such as node`)
	c(`[data]`, "env: { PATH: "+dir+" }", `pools.app.command[0]: "data" is not executable; chmod +x it, or write the program that runs it first, such as node`)
	c(`[/]`, "", `pools.app.command[0]: "/" is a folder; name a program`)
	c(`[""]`, "", `pools.app.command[0]: the program's name is empty; write the program first: [PROGRAM, ARGUMENT]`)
	c(`["true", "\0"]`, "", `pools.app.command[1]: has a NUL character; remove it`)
	c(`["true"]`, "healthCheck: { type: exec, command: [no-such-command] }", `pools.app.healthCheck.command[0]: "no-such-command": command not found in PATH; install it, correct the name, or write the path of the program`)
	c(`["true"]`, "env: { PORT: 3000, 'A=B': c, '': d, E: \"\\0\" }",
		`pools.app.env.E: the value has a NUL character; remove it`, `pools.app.env.PORT: PORT is set by drover for each worker; remove it; the worker finds its own value in it`,
		`pools.app.env[""]: "" is no good as the name of a variable; use letters, digits and _`, `pools.app.env["A=B"]: "A=B" is no good as the name of a variable; use letters, digits and _`)
	c(`[run]`, "envFile: "+write(t, "env", "PATH="+dir, 0o600))
	bad := write(t, "env", "\nPATH", 0o600)
	c(`["true"]`, "envFile: "+bad, `pools.app.envFile: `+bad+`:2: "PATH" is not KEY=VALUE; correct or remove it; it is relative to the folder drover is started in`)
	f("    command: [\"true\"]\n", "    command: [nope]\n    directory: /none\n", `pools.app.directory: "/none" does not exist; make it, or name another; it is relative to the folder drover is started in`)
	f("    command: [\"true\"]\n", "    command: [nope]\n    directory: "+dir+"/run\n", `pools.app.directory: "`+dir+`/run" is not a folder; make it, or name another; it is relative to the folder drover is started in`)
}

func TestValidate_Operation(t *testing.T) {
	f := rule(t)
	s := func(lines string, want ...string) { t.Helper(); f("routes:", lines+"\nroutes:", want...) }
	s("logging: { level: warning, format: text, levels: { proxy: debug, A: loud } }", `logging.format: "text" is not known; use one of auto, json, console`,
		`logging.level: "warning" is not known; did you mean "warn"? use one of info, debug, warn, error`, `logging.levels.A: "loud" is not known; use one of info, debug, warn, error`,
		`logging.levels.A: "A" is not the name of a component; write one as it is in the log, such as supervisor`)
	s("logging: { accessLog: { sample: 1.5, exclude: [ health ] } }", `logging.accessLog.exclude[0]: "health" does not begin with /; write "/health"`, "logging.accessLog.sample: 1.5 is out of range; use 0 to 1")
	s("logging: { files: [ { path: a, maxSize: 1 }, { path: a, maxFiles: 0 }, {} ] }", "logging.files[0].maxSize: 1 is out of range; use 1KB to 1TB",
		"logging.files[1].maxFiles: 0 is out of range; use 1 to 100000", `logging.files[1].path: "a" is already logging.files[0]; keep one of them`, "logging.files[2].path: is missing; name the file that log lines go to")
	s("monitoring: { sampleInterval: 1ms }", "monitoring.sampleInterval: 1ms is out of range; use 10ms to 1h")
	s("admin: { address: '', socket: '' }")
	s("admin: { address: '0.0.0.0:9900', socket: /tmp/a.sock, allowedHosts: [ a.example.com, '::1' ] }")
	s("admin: { address: 'unix:/x' }", `admin.address: "unix:/x" is a Unix socket; write the path in admin.socket; admin.address is host:port, or empty for none`)
	s("admin: { address: x }", `admin.address: "x" is not an address; write host:port, such as 127.0.0.1:9900, or "" for none`)
	s("admin: { address: '127.0.0.1:8080' }", `admin.address: 127.0.0.1:8080 is already taken by server.listeners[0] (:8080); choose another port`)
	s("admin: { socket: /tmp/x.sock }", `admin.socket: "/tmp/x.sock" is already taken by server.listeners[1]; choose another path`)
	s("admin: { socket: "+strings.Repeat("x", 104)+" }", `admin.socket: the socket's path has 104 bytes; use a path of at most 103`)
	s("admin: { allowedHosts: [ 'http://a', 'a:80' ] }", `admin.allowedHosts[0]: "http://a" is not a host name; write the name alone, without scheme, port or path`, `admin.allowedHosts[1]: "a:80" is not a host name; write the name alone, without scheme, port or path`)
}

func TestValidate_Tokens(t *testing.T) {
	f := rule(t)
	k := func(token string, want ...string) {
		t.Helper()
		f("routes:", "admin: { tokens: [ "+token+" ] }\nroutes:", want...)
	}
	sum := strings.Repeat("0a", 32)
	k("{ name: a, role: viewer, token: abc }, { name: b, role: operator, tokenSHA256: " + sum + " }, { name: c, role: viewer, tokenFile: " + write(t, "token", "secret\n", 0o600) + " }")
	k("{}", "admin.tokens[0]: has no token; add token, tokenFile or tokenSHA256", "admin.tokens[0].name: is missing; say who the token was given to", "admin.tokens[0].role: is missing; use one of viewer, operator")
	k("{ name: a, role: admin, token: abc }", `admin.tokens[0].role: "admin" is not known; use one of viewer, operator`)
	k("{ name: a, role: viewer, token: '' }", "admin.tokens[0].token: the token is empty; give it a value; a variable that it is read from must not be empty")
	k("{ name: a, role: viewer, token: 'sec ret' }", "admin.tokens[0].token: the token has a space or a character that no header can carry; use letters, digits and -._~+/=")
	k("{ name: a, role: viewer, token: x, tokenSHA256: "+sum+" }", "admin.tokens[0]: has more than one of token, tokenFile and tokenSHA256; keep one of them")
	k("{ name: a, role: viewer, tokenSHA256: abc }", `admin.tokens[0].tokenSHA256: is not a SHA-256; write 64 hexadecimal digits, as printed by: printf %s "$TOKEN" | sha256sum`)
	k("{ name: a, role: viewer, tokenSHA256: "+sum+"00 }", `admin.tokens[0].tokenSHA256: is not a SHA-256; write 64 hexadecimal digits, as printed by: printf %s "$TOKEN" | sha256sum`)
	k("{ name: a, role: viewer, tokenFile: /none }", `admin.tokens[0].tokenFile: "/none" does not exist; name a file that holds the token and nothing else`)
	empty := write(t, "token", "\n", 0o600)
	k("{ name: a, role: viewer, tokenFile: "+empty+" }", `admin.tokens[0].tokenFile: "`+empty+`" holds no token that a header could carry; name a file that holds the token and nothing else`)
	k("{ name: a, role: viewer, token: x }, { name: a, role: viewer, token: y }", `admin.tokens[1].name: "a" is also the name of admin.tokens[0]; give each token a name of its own`)
}

func TestToken_DigestIsTheSameThreeWays(t *testing.T) {
	const sum = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" // of "secret"
	want, err := Token{TokenSHA256: sum}.Digest()
	if err != nil {
		t.Fatal(err)
	}
	f := func(token Token) {
		t.Helper()
		if got, err := token.Digest(); err != nil || got != want {
			t.Errorf("got %x, %v", got, err)
		}
	}
	f(Token{Token: "secret"})
	f(Token{TokenFile: write(t, "token", " secret\r\n", 0o600)})
	f(Token{TokenSHA256: strings.ToUpper(sum)})
	for _, bad := range []Token{{}, {TokenSHA256: "zz"}, {TokenFile: "/none"}} {
		if _, err := bad.Digest(); err == nil {
			t.Errorf("%+v has a digest", bad)
		}
	}
}

// TestTags_AreWellFormed reads every range, so that none can panic later.
func TestTags_AreWellFormed(t *testing.T) {
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			elem := f.Type
			for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Map || elem.Kind() == reflect.Pointer {
				elem = elem.Elem()
			}
			switch {
			case fieldKey(f) == "":
			case elem.Kind() == reflect.Struct:
				walk(elem)
			case elem.Kind() != reflect.String && elem.Kind() != reflect.Bool:
				if low, high, limited := rangeOf(elem, f.Tag); limited && low.value >= high.value {
					t.Errorf("%s.%s has an empty range", typ, f.Name)
				}
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}

func TestValidate_Fallbacks(t *testing.T) {
	f := rule(t)
	b := func(inside string, want ...string) {
		t.Helper()
		f("    command: [\"true\"]\n", "    command: [\"true\"]\n    fallback: { "+inside+" }\n", want...)
	}
	const key = "pools.app.fallback."
	b("pool: other")
	b("status: 503, body: soon, contentType: text/html")
	b("status: 204")
	b("pool: '', status: 0")
	b("pool: others", key+`pool: there is no pool "others"; did you mean "other"? add it under pools, or use one of app, other`)
	b("pool: app", key+`pool: leads back to the pool itself: app, app; name a pool that has another fallback, or none`)
	b("pool: other, status: 503", key+"status: there is a pool as well; keep one of pool and status")
	b("pool: other, body: x, contentType: text/html", key+"body: there is a pool, which answers itself; remove it, or the pool",
		key+"contentType: there is a pool, which answers itself; remove it, or the pool")
	b("body: x, contentType: text/html", key+"body: needs a status; add a status such as 503, or remove it", key+"contentType: needs a status; add a status such as 503, or remove it")
	b("status: 103", key+"status: is not the status of an answer; use 200 to 599, or 0 for none")
	b("status: 600", key+"status: 600 is out of range; use 0 to 599")
	b("status: 304, body: x", key+"body: an answer with this status has no body; remove it, or choose another status")
	b(`status: 200, contentType: "a\r\nb"`, key+`contentType: "a\r\nb" is not a type; write one such as text/html; charset=utf-8`)
	f("  other:\n", "  other:\n    fallback: { status: 503 }\n") // nothing uses it, so nobody knows what for
	f("    - { address: \":8080\", pool: app }\n", "    - { address: ':81', pool: other, protocol: tcp }\n")
	f("  other:\n", "  third:\n    upstreams: [ { address: 'a:1' } ]\n    fallback: { pool: other }\n  other:\n    fallback: { pool: fourth }\n",
		`pools.other.fallback.pool: there is no pool "fourth"; add it under pools, or use one of app, other, third`)
	f("  other:\n", "  third:\n    upstreams: [ { address: 'a:1' } ]\n    fallback: { pool: other }\n  other:\n    fallback: { pool: third }\n",
		"pools.third.fallback.pool: leads back to the pool itself: third, other, third; name a pool that has another fallback, or none",
		"pools.other.fallback.pool: leads back to the pool itself: other, third, other; name a pool that has another fallback, or none")
}
