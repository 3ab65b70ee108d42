package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse_NamesPlaceKeyValueAndRemedy(t *testing.T) {
	f := func(extra string, want ...string) {
		t.Helper()
		got := faultsOf(t, minimal+extra)
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", extra, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	f("")
	f("    comand: [x]\n", `7: pools.app.comand: unknown key; did you mean "command"?`)
	f("    maxRestarts: 4\n", `7: pools.app.maxRestarts: unknown key; did you mean "processManagement.maxRestarts"?`)
	f("    queue: { lenght: 4 }\n", `7: pools.app.queue.lenght: unknown key; did you mean "length"?`)
	f("cluster: { enabled: false }\n", `7: cluster: unknown key; remove it; the keys here are server, routes, pools, ipc, cache, monitoring, logging, admin`)
	f("    privileges: { user: c }\n    isolation: {}\n",
		`7: pools.app.privileges: unknown key; remove it; the keys here are command, directory, env, envFile, transport, workers, upstreams, strategy, hashOn, sticky, timeouts, retry, circuitBreaker, outlier, slowStart, queue, fallback, processManagement, healthCheck, resources, security, autoScaling`,
		`8: pools.app.isolation: unknown key; remove it; the keys here are command, directory, env, envFile, transport, workers, upstreams, strategy, hashOn, sticky, timeouts, retry, circuitBreaker, outlier, slowStart, queue, fallback, processManagement, healthCheck, resources, security, autoScaling`)
	f("    workers: many\n", `7: pools.app.workers: "many" is not a number of workers; write a whole number from 0 to 1024, or auto`)
	f("    workers: -1\n", `7: pools.app.workers: "-1" is not a number of workers; write a whole number from 0 to 1024, or auto`)
	f("    workers: 2\n    workers: 3\n", `8: pools.app.workers: is given twice, first on line 7; keep one of them`)
	f("    queue:\n", `7: pools.app.queue: has no value; give it a mapping, or remove the key`)
	f("    queue: [1]\n", `7: pools.app.queue: is a list where a mapping is needed; write a mapping: key: value`)
	f("    queue: 5\n", `7: pools.app.queue: is the number "5" where a mapping is needed; write a mapping: key: value`)
	f("    upstreams: { a: b }\n", `7: pools.app.upstreams: is a mapping where a list is needed; write a list: put - before each item`)
	f("    upstreams: [a]\n", `7: pools.app.upstreams[0]: is the text "a" where a mapping is needed; write a mapping: key: value`)
	f("    directory:\n", `7: pools.app.directory: has no value; write "" for an empty one, or remove the key`)
	f("    directory: [a]\n", `7: pools.app.directory: is a list where a single value is needed; write a single value`)
	f("    env: { A: ~ }\n", `7: pools.app.env.A: has no value; write "" for an empty one, or remove the key`)
	f("    outlier: { enabled: yes }\n", `7: pools.app.outlier.enabled: "yes" is not true or false; write true or false`)
	f("    outlier: { enabled: \"true\" }\n", `7: pools.app.outlier.enabled: is the text "true" where true or false is needed; remove the quotes, if it is one`)
	f("    retry: { attempts: \"3\" }\n", `7: pools.app.retry.attempts: is the text "3" where a whole number is needed; remove the quotes, if it is one`)
	f("    retry: { attempts: 1.5 }\n", `7: pools.app.retry.attempts: "1.5" is not a whole number; write a whole number`)
	f("    retry: { attempts: 99999999999999999999 }\n", `7: pools.app.retry.attempts: "99999999999999999999" is out of range; use a smaller number`)
	f("    retry: { attempts: !x 3 }\n", `7: pools.app.retry.attempts: the tag "!x" has no meaning here; remove it`)
	f("logging: { accessLog: { sample: lots } }\n", `7: logging.accessLog.sample: "lots" is not a number; write a number`)
	f("    ? [a]\n    : b\n", `7: pools.app: has a list where a key is needed; write key: value`)
	f("    \"a\\nb\": 1\n", `7: pools.app["a\nb"]: unknown key; remove it; the keys here are command, directory, env, envFile, transport, workers, upstreams, strategy, hashOn, sticky, timeouts, retry, circuitBreaker, outlier, slowStart, queue, fallback, processManagement, healthCheck, resources, security, autoScaling`)
}

func TestParse_NamesTheListWhereTextWasWritten(t *testing.T) {
	got := faultsOf(t, strings.Replace(minimal, `["true"]`, "node server.js", 1))
	want := []string{`6: pools.app.command: is the text "node server.js" where a list is needed; write one item for each argument: [node, server.js]`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParse_TakesScalarsAsText(t *testing.T) {
	c := parse(t, minimal+`    env: { A: 8080, B: true, C: 1.50, D: 'x', E: "", F: 0x1F, G: 2024-01-01 }`+"\n")
	want := map[string]string{"A": "8080", "B": "true", "C": "1.50", "D": "x", "E": "", "F": "0x1F", "G": "2024-01-01"}
	for name, value := range want {
		if got := c.Pools["app"].Env[name]; got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestParse_KeepsAWeightOfZero(t *testing.T) {
	c := parse(t, minimal+"    upstreams: [ { address: 'a:80' }, { address: 'b:80', weight: 0, name: b } ]\n")
	u := c.Pools["app"].Upstreams
	if u[0].Weight != 1 || u[0].Name != "a:80" || u[1].Weight != 0 || u[1].Name != "b" {
		t.Errorf("got %+v", u)
	}
}

func TestParse_FollowsAnchorsAndMergeKeys(t *testing.T) {
	c := parse(t, minimal+`    queue: &q { length: 5, timeout: 1s }
    retry: &r { attempts: 2 }
  other: &other
    command: [ "true" ]
    queue: *q
  third:
    <<: [ *other, { workers: 7, command: [ "false" ] } ]
    queue: { <<: *q, length: 6 }
    retry: *r
`)
	other, third := c.Pools["other"], c.Pools["third"]
	if other.Queue.Length != 5 || third.Queue.Length != 6 || third.Queue.Timeout.Std() != time.Second {
		t.Errorf("queues are %+v and %+v", other.Queue, third.Queue)
	}
	if third.Command[0] != "true" || third.Workers != 7 || third.Retry.Attempts != 2 {
		t.Errorf("merged pool is %+v", third)
	}
}

func TestParse_ReportsFaultsOfAliases(t *testing.T) {
	f := func(extra, want string) {
		t.Helper()
		if got := strings.Join(faultsOf(t, minimal+extra), "\n"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f("    queue: { <<: 5 }\n", `7: pools.app.queue["<<"]: merges the number "5"; name a mapping (*name) or a list of mappings`)
	f("    queue: &q { lenght: 5 }\n  b: { command: [\"true\"], queue: *q }\n",
		"7: pools.app.queue.lenght: unknown key; did you mean \"length\"?\n7: pools.b.queue.lenght: unknown key; did you mean \"length\"?")
	f("    queue: *nothing\n", `7: an alias (*name) has no anchor: unknown anchor nothing referenced; put the anchor (&name) above it`)
}

func TestParse_EndsOnBombs(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if _, err := Parse("f", []byte(text), noEnv); err == nil {
			t.Error("was accepted")
		}
	}
	f("a: &a {<<: *a}\nserver: *a\n")
	f("server: &a { listeners: *a }\n")
	bomb := "h0: &h0 {" + strings.Repeat("a: b, ", 10) + "}\n"
	for i := range 10 {
		before := "*h" + string(rune('0'+i))
		bomb += "h" + string(rune('1'+i)) + ": &h" + string(rune('1'+i)) + " { <<: [" + before + strings.Repeat(", "+before, 9) + "] }\n"
	}
	f(bomb + "server: *h9\n")
	f("routes:\n- &r { match: { methods: [" + strings.Repeat("GET,", 5000) + "] } }\n" + strings.Repeat("- *r\n", 20000))
	f(strings.Repeat("[", 50000))
	f("server: " + strings.Repeat("{a: ", 20000))
	f(strings.Repeat("x", largestFile+1))
}

func TestParse_CollectsFaultsOfEveryPart(t *testing.T) {
	got := faultsOf(t, `
server:
  listeners: [ { address: nowhere, pool: app, proxyProtocol: off } ]
  timeouts: { drain: soon }
routes: [ { pool: gone } ]
pools:
  app: { command: [], workers: 5000 }
`)
	keys := []string{"3: server.listeners[0].address", "3: server.listeners[0].proxyProtocol", "4: server.timeouts.drain", "5: routes[0].pool", "7: pools.app", "7: pools.app.workers"}
	if len(got) != len(keys) {
		t.Fatalf("got %s", strings.Join(got, "\n"))
	}
	for i := range keys {
		if !strings.HasPrefix(got[i], keys[i]+": ") {
			t.Errorf("got %s, want the fault of %s", got[i], keys[i])
		}
	}
}
