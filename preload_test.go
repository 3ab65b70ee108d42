package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/internal/workertest"
)

// What transport auto does with programs that only know PORT.

// onePools starts one worker of each of these commands, in a pool of its own, reached below /NAME/.
func onePools(d *instance, pools map[string]string) {
	d.t.Helper()
	text := "server:\n  listeners: [ { name: web, address: \"${FRONT}\" } ]\n  trustedProxies: [127.0.0.0/8]\nadmin: { address: \"${ADMIN}\" }\n"
	routes, list := "routes:\n", "pools:\n"
	for name, settings := range pools {
		routes += fmt.Sprintf("  - { match: { path: /%s }, pool: %s, stripPrefix: /%s }\n", name, name, name)
		list += fmt.Sprintf("  %s:\n    workers: 1\n    %s\n", name, strings.ReplaceAll(strings.TrimSpace(settings), "\n", "\n    "))
	}
	d.run(text + routes + list)
}

// listensOn checks where the workers of a pool listen: unix: or 127.0.0.1:.
func (d *instance) listensOn(pool, prefix string) {
	d.t.Helper()
	found := false
	for _, w := range d.workers() {
		if strings.HasPrefix(w.ID, pool+"-") {
			found = true
			if !strings.HasPrefix(w.Address, prefix) {
				d.t.Errorf("worker %s is reached at %q, want %s", w.ID, w.Address, prefix)
			}
		}
	}
	if !found {
		d.t.Errorf("pool %s has no worker", pool)
	}
}

// serves checks that the pool's worker listens there and that its answer has the part.
func (d *instance) serves(pool, prefix, part string) {
	d.t.Helper()
	d.listensOn(pool, prefix)
	d.answers("GET", "/"+pool+"/", "", part)
}

func TestPreload_NodeServersMoveToTheSocket(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	d := newInstance(t)
	for name, path := range map[string]string{"ESM": "node-esm", "HTTP": "node-http", "CLUSTER": "node-cluster", "NPM": "npm-start"} {
		d.setenv(name, app(t, path))
	}
	onePools(d, map[string]string{
		"module":  `command: [node, "${ESM}/server.js"]`,
		"shell":   `command: [sh, -c, "cd \"$ESM\" && node server.js"]`,
		"npm":     `command: [npm, start, --silent, --prefix, "${ESM}"]`,
		"cluster": `command: [node, "${CLUSTER}/server.js"]`,
		"thread":  `command: [node, -e, "new (require('worker_threads').Worker)(process.env.HTTP + '/server.js')"]`,
		// A development server kills and starts the program again, which has no time to remove its socket.
		"again": `command: [sh, -c, "node -e \"require('http').createServer().listen(process.env.PORT, () => process.kill(process.pid, 'SIGKILL'))\"; exec node \"$HTTP/server.js\""]`,
		"child": `command: [sh, -c, "PORT=` + strings.TrimPrefix(freeAddress(t), "127.0.0.1:") + ` node \"$HTTP/server.js\" & exec node \"$ESM/server.js\""]`,
	})
	for _, pool := range []string{"module", "shell", "npm", "child"} {
		d.serves(pool, "unix:/", `"app":"node-esm"`)
	}
	d.serves("thread", "unix:/", `"app":"node-http"`)
	d.serves("again", "unix:/", `"app":"node-http"`)
	d.serves("cluster", "unix:/", "cluster, asked by 127.0.0.1 at ")
	d.answers("GET", "/module/beside", "", "beside") // its other server is where it was
	d.answers("GET", "/module/itself", "", "beside") // and it finds itself at PORT

	var seen struct {
		Port                                      string
		Address                                   struct{ Address, Family string }
		RemoteAddress, RemoteFamily, LocalAddress string
		RemotePort, LocalPort                     int
	}
	_, body := d.request("GET", "/module/", "")
	if err := json.Unmarshal([]byte(body), &seen); err != nil {
		t.Fatal(err)
	}
	if seen.RemoteAddress != "127.0.0.1" || seen.RemoteFamily != "IPv4" || seen.RemotePort == 0 || seen.LocalAddress != "127.0.0.1" || fmt.Sprint(seen.LocalPort) != seen.Port ||
		seen.Address.Address != "0.0.0.0" || seen.Address.Family != "IPv4" || !strings.Contains(body, `"port":`+seen.Port+`}`) {
		t.Errorf("the program sees %s", body)
	}
	if code, stdout, stderr := d.cli("workers"); code != 0 || !strings.Contains(stdout, "unix:/") {
		t.Errorf("drover workers: %d\n%s%s", code, stdout, stderr)
	}
}

func TestPreload_StaysAwayWhereItDoesNotApply(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := newInstance(t)
	d.setenv("ESM", app(t, "node-esm"))
	d.setenv("GO_SERVER", goServer(t))
	onePools(d, map[string]string{
		"off":     "command: [node, \"${ESM}/server.js\"]\ntransport: port",
		"go":      `command: ["${GO_SERVER}"]`,
		"exec":    "command: [node, \"${ESM}/server.js\"]\nhealthCheck: { type: exec, command: [sh, -c, 'test -n \"$PORT\"'] }",
		"options": `command: [sh, -c, "NODE_OPTIONS= exec node \"$ESM/server.js\""]`,
	})
	for _, pool := range []string{"off", "exec", "options"} {
		d.serves(pool, "127.0.0.1:", `"app":"node-esm"`)
	}
	d.serves("go", "127.0.0.1:", `"app":"go-server"`)
}

// A program that has become another user cannot make a socket in drover's folder.
func TestPreload_StaysAwayFromProgramsOfAnotherUser(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	workertest.Need(t, "node")
	d := newInstance(t)
	onePools(d, map[string]string{
		"fallback": `command: [node, -e, "process.setuid(65534); require('http').createServer((q, s) => s.end('user ' + process.getuid())).listen(process.env.PORT)"]`,
	})
	d.serves("fallback", "127.0.0.1:", "user 65534")
}

func TestPreload_KeepsTheOptionsOfTheUser(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := newInstance(t)
	// A path that has to be quoted.
	run := filepath.Join(d.dir, `a "b`)
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	d.setenv("XDG_RUNTIME_DIR", run)
	d.setenv("NODE_OPTIONS", "--max-http-header-size=30001")
	d.setenv("ESM", app(t, "node-esm"))
	file := filepath.Join(d.dir, "env")
	if err := os.WriteFile(file, []byte("NODE_OPTIONS=--max-http-header-size=30002\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	onePools(d, map[string]string{
		"inherited": `command: [node, "${ESM}/server.js"]`,
		"file":      "command: [node, \"${ESM}/server.js\"]\nenvFile: " + file,
		"env":       "command: [node, \"${ESM}/server.js\"]\nenv: { NODE_OPTIONS: --max-http-header-size=30003 }",
	})
	d.serves("inherited", "unix:/", `"maxHeaderSize":30001`)
	d.serves("file", "unix:/", `"maxHeaderSize":30002`)
	d.serves("env", "unix:/", `"maxHeaderSize":30003`)
}

func TestPreload_ExpressTrustsTheProxyOnLoopback(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	needModules(t, "express-ws")
	d := newInstance(t)
	d.setenv("EXPRESS", app(t, "express-ws", "server.js"))
	onePools(d, map[string]string{"express": `command: [node, "${EXPRESS}"]`})
	d.serves("express", "unix:/", `"ip":"127.0.0.1"`)
	if status, body := d.request("GET", "/express/", "", "X-Forwarded-For: 203.0.113.9"); status != http.StatusOK || !strings.Contains(body, `"ip":"203.0.113.9"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestPreload_Bun(t *testing.T) {
	t.Parallel()
	needModules(t, "bun")
	d := newInstance(t)
	d.setenv("BUN", bun(t))
	d.setenv("HTTP", app(t, "node-http", "server.js"))
	module := filepath.Join(d.dir, "default.ts")
	code := "export default { fetch(req, server) { return Response.json({ ip: server.requestIP(req).address, port: server.port, url: server.url.host }) } };\n"
	if err := os.WriteFile(module, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	onePools(d, map[string]string{
		"default": `command: ["${BUN}", "${DIR}/default.ts"]`,
		"http":    `command: ["${BUN}", "${HTTP}"]`,
		"off":     "command: [\"${BUN}\", \"${DIR}/default.ts\"]\ntransport: port",
	})
	d.serves("default", "unix:/", `{"ip":"127.0.0.1","port":`)
	d.serves("http", "unix:/", `"app":"node-http"`)
	d.serves("off", "127.0.0.1:", `127.0.0.1","port":`)
}

func TestPreload_RollOfNodeServersFailsNoRequest(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := newInstance(t).command("node", app(t, "node-http", "server.js"))
	d.waitRunning(2)
	l := startLoad(d, 100, echoKind(), requester{"GET", func(c *client, n int) error {
		return expect(c, "GET", fmt.Sprintf("/?n=%d", n), "", 200, fmt.Sprintf(`"url":"/?n=%d"`, n))
	}})
	if code, stdout, stderr := d.cli("restart", "app", "--wait"); code != 0 {
		t.Errorf("drover restart: %d\n%s%s", code, stdout, stderr)
	}
	d.waitRunning(2)
	l.end().noFailure(t, "GET", "POST echo")
	d.listensOn("app", "unix:/")
}

// reports is what the workers' runtimes say of themselves.
func (d *instance) reports() []admin.Worker {
	d.t.Helper()
	var list admin.WorkerList
	d.get("/api/v1/workers", &list)
	return list.Workers
}

func TestPreload_WorkersTellOfEventLoopAndHeap(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	d := newInstance(t)
	d.setenv("BUN", bun(t))
	d.setenv("HTTP", app(t, "node-http", "server.js"))
	d.setenv("NPM", app(t, "npm-start"))
	onePools(d, map[string]string{
		"node": `command: [node, "${HTTP}"]`,
		"bun":  `command: ["${BUN}", "${HTTP}"]`,
		"exec": "command: [node, \"${HTTP}\"]\nhealthCheck: { type: exec, command: [sh, -c, 'test -n \"$PORT\"'] }",
		"npm":  `command: [npm, start, --silent, --prefix, "${NPM}"]`,
		"off":  "command: [node, \"${HTTP}\"]\ntransport: port",
	})
	for _, pool := range []string{"node", "bun", "exec"} {
		d.eventually(pool+" reports", func() error {
			for _, w := range d.reports() {
				if w.Pool == pool && w.LoopDelayMS != nil && w.HeapBytes > 0 && (w.HeapLimit > w.HeapBytes) == (pool != "bun") {
					return nil
				}
			}
			return fmt.Errorf("%+v", d.reports())
		})
	}
	for _, w := range d.reports() {
		if (w.Pool == "npm" || w.Pool == "off") && w.LoopDelayMS != nil {
			t.Errorf("%s reports: %+v", w.ID, w)
		}
	}
	_, text, err := d.api("GET", "/metrics", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`drover_worker_event_loop_delay_seconds{pool="node",worker="node-1"} `, `drover_worker_heap_bytes{kind="used",pool="bun",worker="bun-1"} `,
		`drover_worker_heap_bytes{kind="limit",pool="node",worker="node-1"} `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
}

func TestModules_ADeniedOneNamesTheSetting(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	workertest.Need(t, "python3")
	d := newInstance(t)
	for name, text := range map[string]string{
		"app.js": "const http = require('http'); let said = 'loaded'; try { require('child_process') } catch (err) { said = err.message }\n" +
			"http.createServer((req, res) => res.end(said)).listen(process.env.PORT)",
		"app.py": "import http.server, os\ntry:\n    import subprocess\n    said = 'loaded'\nexcept ImportError as error:\n    said = str(error)\n" +
			"class Handler(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200)\n        self.send_header('Content-Length', str(len(said)))\n        self.end_headers()\n        self.wfile.write(said.encode())\n" +
			"http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()",
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const deny = "\nsecurity: { modules: { deny: [child_process, subprocess] } }"
	onePools(d, map[string]string{
		"node":   `command: [node, "${DIR}/app.js"]` + deny,
		"port":   `command: [node, "${DIR}/app.js"]` + "\ntransport: port" + deny,
		"python": `command: [python3, "${DIR}/app.py"]` + deny,
		"free":   `command: [node, "${DIR}/app.js"]`,
	})
	const why = ": security.modules.deny of the pool names it"
	d.serves("node", "unix:/", `of pool node load "child_process", which `+filepath.Join(d.dir, "app.js")+" asks for"+why)
	d.serves("port", "127.0.0.1:", `of pool port load "child_process"`)
	d.serves("python", "127.0.0.1:", `of pool python import "subprocess", which __main__ asks for`+why)
	d.serves("free", "unix:/", "loaded")
}
