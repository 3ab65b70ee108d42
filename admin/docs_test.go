package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

var update = flag.Bool("update", false, "write docs/admin-api.md anew")

const docsFile = "../docs/admin-api.md"

// example is what the documentation shows of one endpoint.
type example struct {
	method, path string // as asked
	body         string
	note         string
	stands       string // for an answer that is not text, or never twice the same
}

// examples has one for each route, by method and path of the table.
var examples = map[string]example{
	"GET /healthz":                            {path: "/healthz"},
	"GET /readyz":                             {path: "/readyz", note: "200 when every pool that a listener or route names has an upstream that is ready, and drover is not draining:"},
	"GET /metrics":                            {path: "/metrics", note: "The names are in [metrics.md](metrics.md)."},
	"GET /api/v1/status":                      {path: "/api/v1/status", note: "`health` is `healthy`, `degraded` (ready, but a pool has fewer ready workers than wanted, or a slot whose restart budget is spent) or `unhealthy` (not ready)."},
	"GET /api/v1/pools":                       {path: "/api/v1/pools"},
	"GET /api/v1/pools/{pool}":                {path: "/api/v1/pools/db"},
	"POST /api/v1/pools/{pool}/scale":         {path: "/api/v1/pools/app/scale", body: `{"workers": 4}`, note: "The answer is the pool; workers start and drain afterwards. `{\"workers\": \"auto\"}` returns to the number in the settings, or to [autoscaling](autoscaling.md)."},
	"POST /api/v1/pools/{pool}/restart":       {path: "/api/v1/pools/app/restart", note: "409 while another restart of the pool is going on."},
	"GET /api/v1/workers":                     {path: "/api/v1/workers", note: "`state` is one of `stopped`, `starting`, `running`, `draining`, `stopping`, `backoff`, `failed`; `health` one of `starting`, `healthy`, `unhealthy`, `ejected`. `loopDelayMs`, `heapBytes` and `heapLimitBytes` are what Node.js and Bun [report](workers.md#nodejs-and-bun) (`loopDelayMs` also what a worker last answered to a health check of type `ipc`), and are missing where nothing is known; `checks` are its answers to such a check; pools and status have them counted by name. `history` has the workers of the slot that ended, the newest last, at most 20; `lastError` says how the last one did, where nobody wanted it to. `leak` is there when memory [leaks](operations.md#memory-that-leaks). `limits` has each limit with its value and the [level](configuration.md#how-well-limits-hold) at which it is kept."},
	"GET /api/v1/workers/{id}":                {path: "/api/v1/workers/app-2", note: "`footprint` is the memory of its processes in detail. The kernel has to walk their pages for it, so it is measured only here, and at most once a minute."},
	"POST /api/v1/workers/{id}/drain":         {path: "/api/v1/workers/app-1/drain", note: "The answer to this and the next three is the worker."},
	"POST /api/v1/workers/{id}/resume":        {path: "/api/v1/workers/app-1/resume"},
	"POST /api/v1/workers/{id}/restart":       {path: "/api/v1/workers/app-1/restart"},
	"POST /api/v1/workers/{id}/stop":          {path: "/api/v1/workers/app-1.1/stop"},
	"POST /api/v1/upstreams/{id}/drain":       {path: "/api/v1/upstreams/app-1/drain", note: "The answer to this and the next three is the upstream."},
	"POST /api/v1/upstreams/{id}/resume":      {path: "/api/v1/upstreams/app-1/resume"},
	"POST /api/v1/upstreams/{id}/maintenance": {path: "/api/v1/upstreams/unix:%2Frun%2Fdb.sock/maintenance", note: "Slashes in an id are escaped, as everywhere in a URL."},
	"POST /api/v1/upstreams/{id}/weight":      {path: "/api/v1/upstreams/unix:%2Frun%2Fdb.sock/weight", body: `{"weight": 3}`},
	"POST /api/v1/ipc/broadcast": {path: "/api/v1/ipc/broadcast", body: `{"pool": "app", "type": "price.changed", "data": {"sku": 42}}`,
		note: "Without `pool`, or with `*`, all workers get it; `data` is anything, missing: `null`. `received` acknowledged it, `sent` was written to workers that do not acknowledge, `failed` did not get it or did not say so. " +
			"What messages are, and the codes of errors, is in [ipc-protocol.md](ipc-protocol.md); 404 there is no such worker, 409 it cannot have it now, 422 the message is wrong, 502 the worker answered with an error (its own `code`), 504 it did not answer in time."},
	"POST /api/v1/ipc/send": {path: "/api/v1/ipc/send", body: `{"worker": "app-2", "type": "price.changed", "data": {"sku": 42}}`,
		note: "`worker` is `app-2` (the newest in slot 2) or `app-2.7`. In place of it, `pool` takes one of its workers by `pick`: `random` (the default) or `least-busy`."},
	"POST /api/v1/ipc/request": {path: "/api/v1/ipc/request", body: `{"pool": "app", "pick": "least-busy", "type": "price.get", "data": 42, "timeoutMs": 2000}`,
		note: "The target is as for send. `timeoutMs` is 1 to 3600000; missing: `ipc.requestTimeout`."},
	"GET /api/v1/cache":           {path: "/api/v1/cache", note: "What counts are totals since drover started; `bytes` has what keeping the entries costs. This and the next three answer 409 where `cache.enabled` is false."},
	"GET /api/v1/cache/entry":     {path: "/api/v1/cache/entry?namespace=users&key=7", note: "`ttlMs` is what is left of the entry's time, missing where it has no end. It needs the role `operator`, since values may be private."},
	"POST /api/v1/cache/purge":    {path: "/api/v1/cache/purge", body: `{"namespace": "users", "tag": "team:1"}`, note: "One of `key`, `tag`, `prefix` (of keys) and `\"all\": true`; `all` without a namespace empties the whole cache."},
	"POST /api/v1/cache/warm":     {path: "/api/v1/cache/warm", body: `{"replace": true}`, note: "Without `replace` what is in the cache already stays. `stored` are entries, `requests` those that workers answered well, `problems` what could not be used."},
	"GET /api/v1/config":          {path: "/api/v1/config", note: "Shortened here."},
	"POST /api/v1/reload":         {path: "/api/v1/reload", note: "`added` and `removed` are pools that are new or gone; `rolled` are the pools whose workers are replaced one after another, with the ids of these operations; `applied` is what changed in place; `needsRestart` are changed keys that take effect when drover is started anew. 422 with a line for each fault where the settings are wrong; nothing changed then."},
	"POST /api/v1/upgrade":        {path: "/api/v1/upgrade", body: `{}`, note: "The answer comes when the new drover has taken over, whose pid and version it has, or when this one goes on: 409 with the reason, 422 with a line for each fault of the settings."},
	"GET /api/v1/events":          {path: "/api/v1/events?limit=10", note: "Newest last; `limit` keeps the newest so many."},
	"GET /api/v1/operations/{id}": {path: "/api/v1/operations/roll-1", note: "`state` is `running`, `succeeded` or `failed`; `message` says why it failed."},
	"POST /api/v1/stop":           {path: "/api/v1/stop", body: `{"now": false}`},
	"GET /debug/pprof/":           {path: "/debug/pprof/", note: "A profile says what drover itself did; [operations.md](operations.md#drover-itself-takes-cpu-or-memory) shows how to take one. For a browser a page."},
	"GET /debug/pprof/{name}": {path: "/debug/pprof/heap", stands: "… (a gzip stream)",
		note: "For `go tool pprof`, `trace` for `go tool trace`. `profile`, `block`, `mutex` and `trace` are measured for `?seconds=`, 1 to 300, else for the time in the list; the answer comes then. " +
			"The others show what is, with `?seconds=` what changed meanwhile; `?debug=1` is text. 400 for other seconds, 404 for other names, 409 while another of the kind is measured."},
	"GET /": {path: "/", note: "For a browser a page; else JSON, shortened here."},
}

func TestDocs_AdminAPIShowsEveryEndpoint(t *testing.T) {
	want := document(t)
	if *update {
		if err := os.WriteFile(docsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/admin-api.md is stale; run go test ./admin -update and look at the difference")
	}
}

func document(t *testing.T) []byte {
	var doc bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&doc, format, args...) }
	s := serve(t, &fake{ready: true}, config.Admin{Profiler: true})
	say("%s", preface)
	say("| method and path | role | is |\n|---|---|---|\n")
	for _, r := range s.routes() {
		say("| `%s %s` | %s | %s |\n", r.method, r.path, r.access, r.about)
	}
	for _, r := range s.routes() {
		e, ok := examples[r.method+" "+r.path]
		if !ok {
			t.Fatalf("there is no example for %s %s", r.method, r.path)
		}
		e.method = r.method
		say("\n## %s %s\n\n%s.\n", r.method, r.path, strings.ToUpper(r.about[:1])+r.about[1:])
		if e.note != "" {
			say("%s\n", e.note)
		}
		say("\n%s", show(s, e))
		switch r.path {
		case "/readyz":
			say("\n503 with the reasons when it cannot serve:\n\n%s", show(serve(t, &fake{}, config.Admin{}), e))
		case "/api/v1/reload":
			wrong := &fake{fail: BadSettings("the settings are wrong, nothing was changed", []string{
				"drover.yaml:41: pools.web.healthCheck.timeout: 30s exceeds interval 10s; make it smaller than the interval"})}
			say("\n%s", show(serve(t, wrong, config.Admin{}), e))
		case profilePath:
			say("\nWhere `admin.profiler` is `false`:\n\n%s", show(serve(t, &fake{}, config.Admin{}), e))
		case "/api/v1/cache":
			off := &fake{fail: Conflict("there is no shared cache; set cache.enabled: true in the settings and start drover anew")}
			say("\n%s", show(serve(t, off, config.Admin{}), e))
		case "/api/v1/ipc/request":
			slow := &fake{fail: MessageError("timeout", "worker app-2.7 did not answer within 2s")}
			say("\n%s", show(serve(t, slow, config.Admin{}), e))
		case "/api/v1/events":
			say("\nLive, as server-sent events: the recent ones first, then each as it happens, and a comment line every %v.\n\n%s", heartbeat, stream(s))
		}
	}
	return doc.Bytes()
}

// show asks and writes down question and answer.
func show(s *Server, e example) string {
	var headers []string
	if e.method == http.MethodPost {
		headers = []string{"Content-Type", jsonType}
	}
	w := ask(s, local, e.method, e.path, e.body, headers...)
	text := w.Body.Bytes()
	if e.stands != "" {
		text = []byte(e.stands)
	}
	if e.path == "/" {
		var list struct {
			Endpoints []Endpoint `json:"endpoints"`
		}
		if json.Unmarshal(text, &list) == nil {
			list.Endpoints = list.Endpoints[:2]
			text, _ = json.Marshal(list)
		}
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, text, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(text)
	}
	question := e.method + " " + e.path + "\n"
	for i := 0; i < len(headers); i += 2 {
		question += headers[i] + ": " + headers[i+1] + "\n"
	}
	if e.body != "" {
		question += "\n" + e.body + "\n"
	}
	return fmt.Sprintf("```http\n%s```\n\n```http\n%d %s\nContent-Type: %s\n\n%s\n```\n", question, w.Code, http.StatusText(w.Code),
		w.Header().Get("Content-Type"), strings.TrimRight(pretty.String(), "\n"))
}

func stream(s *Server) string {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), originKey{}, local))
	cancel() // ends the stream after what is there
	r := httptest.NewRequest("GET", "http://localhost/api/v1/events?follow=1", nil).WithContext(ctx)
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(w, r)
	return fmt.Sprintf("```http\nGET /api/v1/events?follow=1\n```\n\n```http\n%d %s\nContent-Type: %s\n\n%s\n```\n", w.Code, http.StatusText(w.Code),
		w.Header().Get("Content-Type"), strings.TrimRight(w.Body.String(), "\n"))
}

const preface = `# Admin API

<!-- Made by go test ./admin -update. Edit admin/docs_test.go and admin/routes.go, not this file. -->

JSON over HTTP, on ` + "`admin.address`" + ` (127.0.0.1:9900 by default) and on a Unix socket. drover's own commands use it.

    curl --unix-socket /run/drover/admin.sock http://localhost/api/v1/status
    curl -X POST -H 'Content-Type: application/json' -d '{"workers": 4}' http://127.0.0.1:9900/api/v1/pools/app/scale

## Who may use it

- **Tokens.** Where ` + "`admin.tokens`" + ` is set, reads need a token of role ` + "`viewer`" + `, changes one of role ` + "`operator`" + `, as
  ` + "`Authorization: Bearer TOKEN`" + `, on the socket too. ` + "`/healthz` and `/readyz`" + ` need none. Commands take it from ` + "`DROVER_ADMIN_TOKEN`" + `.
- **Without tokens** the Unix socket and an ` + "`admin.address`" + ` on loopback are served in full. On any other address, 0.0.0.0
  included, there are only ` + "`/metrics`, `/healthz` and `/readyz`" + `; the rest is answered with 401.
- **The socket** is for the user that drover runs as and for root, by the credentials of the process at the other end.
- **Web pages** cannot use it: ` + "`Host`" + ` must be localhost, a loopback address, the host of ` + "`admin.address`" + `
  (where that is every address, the one that was connected to), or in ` + "`admin.allowedHosts`" + `
  (else 421; ` + "`/healthz`, `/readyz` and `/metrics`" + ` and the socket are exempt); a foreign ` + "`Origin`" + ` is refused with 403; a change needs
  ` + "`Content-Type: application/json`" + ` (else 415), also one without a body.

## Where the socket is

` + "`admin.socket: auto`" + ` is ` + "`admin.sock`" + ` in the first folder that can be used: ` + "`$XDG_RUNTIME_DIR/drover`, `/run/drover`" + `, ` + "`drover-UID`" + ` in the
temporary directory. The folder is closed to others (0700). A socket that was left behind is replaced, one at which somebody listens
is not: a second drover of the same user takes ` + "`admin-PID.sock`" + ` beside it and says so in its log. Commands look in the same folders;
where more than one drover answers they list them and ask for ` + "`--admin`" + `.

## Answers

Keys are camelCase, lists are objects with one key (` + "`{\"workers\": […]}`" + `). 202 means that work goes on. Errors are
` + "`{\"error\": {\"code\": \"…\", \"message\": \"…\"}}`" + `, with ` + "`details`" + ` for each fault of wrong settings:
400 the request makes no sense, 401 and 403 not allowed, 404 unknown, 405 wrong method, 409 not possible now, 413 body too large,
415 not JSON, 421 unknown host, 422 bad values or settings, 502 and 504 a worker answers with an error, or not in time.

## Endpoints

`
