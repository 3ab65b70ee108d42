package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// everything is a file with something in every list and map, and text that
// could be taken for something else.
const everything = `server:
  listeners: [ { address: ":8080", pool: app }, { address: "unix:/tmp/e.sock", name: sock, protocol: tcp, pool: db } ]
  trustedProxies: [ 10.0.0.0/8 ]
  limits: { headerBytes: 1000, bodyBytes: 1GB }
routes:
  - match: { host: "*.example.com", path: /v1/, methods: [ GET ], headers: { X-A: "1", X-B: "" } }
    pool: app
    stripPrefix: /v1
    timeouts: { firstByte: 0, total: 1500us }
    headers: { request: { set: { X-C: "$$ ${PORTLESS:-5}" }, remove: [ Cookie ] } }
pools:
  app:
    command: ["true", "${PORT}", "$$x", "$HOME", "true", "1", "~", "", "a: b", "- c", "#d", "multi\nline", "tab\t", "ü", "<<", "=", "'"]
    env: { A: "true", B: "012", C: null-ish, D: "$$${E:-}", F: "x: y", G: "*a", "<<": merge, H: " spaces ", I: "1e3", J: "2020-01-01", K: "\u0001\u2028" }
    workers: 3
  db:
    upstreams: [ { address: "127.0.0.1:9", weight: 0 } ]
    retry: { budget: 12.5%, on: [] }
ipc: { encryption: on, maxMessageBytes: 2MB, allow: [ { from: app, to: "*", types: [ "a.*" ] } ], types: [ a.b, "*" ], audit: { enabled: true, file: audit.log } }
cache:
  enabled: true
  warm:
    - { namespace: n, key: "$$k", ttl: 0, tags: [ "a b" ], value: { "$$k": [ 1, -1.50, 1e3, "1", "true", true, null, ~, "", 2020-01-01, 012, 0x1F, "$$x", "${OPS_PORT:-é\n<}", { "<<": 1 } ], "": {} } }
    - { namespace: n, key: k, value: "$$HOME" }
    - { namespace: n, key: "1", value: 12345678901234567890123 }
    - { pool: app, path: "/warm?x=$$y" }
logging: { levels: { proxy: debug }, accessLog: { sample: 0.25 }, files: [ { path: a.log, maxAge: 24h } ] }
admin:
  tokens: [ { name: ops, role: operator, token: "${OPS}" }, { name: b, role: viewer, tokenSHA256: "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" } ]
`

func TestConfig_EffectiveIsReadBackTheSame(t *testing.T) {
	f := func(text string) {
		t.Helper()
		c := parseWith(t, text, map[string]string{"OPS": "secret"})
		shown, err := c.Effective()
		if err != nil {
			t.Fatal(err)
		}
		back := parse(t, string(shown)) // needs no variable
		again, err := back.Effective()
		if err != nil || string(again) != string(shown) {
			t.Errorf("shown again it differs (%v):\n%s\n%s", err, shown, again)
		}
		for i := range c.Admin.Tokens { // written as their SHA-256
			back.Admin.Tokens[i].Token, back.Admin.Tokens[i].TokenSHA256 = c.Admin.Tokens[i].Token, c.Admin.Tokens[i].TokenSHA256
		}
		if d := Compare(c, back); !d.Empty() {
			t.Errorf("read back it differs: %+v\n%s", d, shown)
		}
		back.origin, c.origin = nil, nil
		if strings.Contains(string(shown), "secret") {
			t.Errorf("the token is in\n%s", shown)
		}
	}
	f(minimal)
	f(everything)
}

func TestConfig_EffectiveHasEveryKey(t *testing.T) {
	shown, err := full().Effective()
	if err != nil {
		t.Fatal(err)
	}
	for key := range leafDefaults(t) {
		name := key[strings.LastIndexByte(key, '.')+1:]
		if !strings.Contains(string(shown), name+":") && !strings.HasPrefix(name, "token") {
			t.Errorf("no %s in\n%s", key, shown)
		}
	}
}

func TestConfig_MarshalsToTheKeysOfTheFile(t *testing.T) {
	c := parseWith(t, everything, map[string]string{"OPS": "secret"})
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	app := got["pools"].(map[string]any)["app"].(map[string]any)
	if app["workers"] != 3.0 || app["healthCheck"].(map[string]any)["interval"] != "5s" || app["env"].(map[string]any)["D"] != "$" {
		t.Errorf("got %s", data)
	}
	if command := app["command"].([]any); command[1] != "${PORT}" || command[2] != "$x" {
		t.Errorf("got %v", command)
	}
}

func TestConfig_RedactedShowsNoSecret(t *testing.T) {
	c := full()
	c.Admin.Tokens = []Token{{Name: "a", Role: "viewer", Token: "s3cret"}, {Name: "b", TokenSHA256: "s3cret"}, {Name: "c", TokenFile: "/run/file"}}
	c.Pools["app"].Env = map[string]string{"DATABASE_URL": "s3cret"}
	c.Cache.Warm = []Warm{{Namespace: "n", Key: "seen", Value: `{"a":"s3cret"}`}}
	c.Routes[0].Match.Headers = map[string]string{"X-Api-Key": "s3cret", "X-Version": "2"}
	c.Routes[0].Headers.Request.Set = map[string]string{"Authorization": "s3cret"}
	c.Routes[0].Headers.Response.Set = map[string]string{"Set-Cookie": "s3cret"}
	before := full()
	before.Admin.Tokens = append([]Token(nil), c.Admin.Tokens...)
	data, err := json.Marshal(c.Redacted())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "s3cret") {
		t.Errorf("a secret is in %s", data)
	}
	for _, want := range []string{"DATABASE_URL", `"X-Version":"2"`, "/run/file", `"name":"a"`, `"key":"seen"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
	if c.Pools["app"].Env["DATABASE_URL"] != "s3cret" || c.Cache.Warm[0].Value != `{"a":"s3cret"}` || c.Routes[0].Match.Headers["X-Api-Key"] != "s3cret" || !reflect.DeepEqual(c.Admin.Tokens, before.Admin.Tokens) {
		t.Error("the settings themselves were changed")
	}
}
