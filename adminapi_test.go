package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestAdmin_BodiesHaveTheDocumentedShape(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	d.answers("GET", "/", "", "go-server")

	var list struct {
		Workers []map[string]any `json:"workers"`
	}
	d.get("/api/v1/workers", &list)
	for _, w := range list.Workers {
		for _, key := range []string{"pid", "slot", "generation", "uptimeSeconds", "restarts", "cpuPercent", "memoryBytes", "inFlight", "requests"} {
			if _, ok := w[key].(float64); !ok {
				t.Errorf("worker's %s is %T %v, want a number", key, w[key], w[key])
			}
		}
		for key, want := range map[string]string{"pool": "app", "state": "running", "health": "healthy", "breaker": "closed"} {
			if w[key] != want {
				t.Errorf("worker's %s is %v, want %s", key, w[key], want)
			}
		}
		if id := fmt.Sprintf("app-%v.%v", w["slot"], w["generation"]); w["id"] != id {
			t.Errorf("worker's id is %v, want %s", w["id"], id)
		}
		if address, _ := w["address"].(string); !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("worker's address is %v", w["address"])
		}
		if w["drained"] != false {
			t.Errorf("worker's drained is %v", w["drained"])
		}
		if _, ok := w["limits"].(map[string]any); !ok {
			t.Errorf("worker's limits are %T", w["limits"])
		}
		var one map[string]any
		d.get(fmt.Sprintf("/api/v1/workers/%v", w["id"]), &one)
		if one["pid"] != w["pid"] {
			t.Errorf("GET /api/v1/workers/%v is %v", w["id"], one)
		}
		d.eventually("its memory is there in detail", func() error { // it is measured within a second
			var one struct {
				Footprint struct{ PSSBytes, USSBytes uint64 }
			}
			d.get(fmt.Sprintf("/api/v1/workers/%v", w["id"]), &one)
			if f := one.Footprint; f.USSBytes == 0 || f.PSSBytes < f.USSBytes {
				return fmt.Errorf("footprint is %+v", f)
			}
			return nil
		})
	}

	var pools struct {
		Pools []struct {
			Name      string
			Upstreams []map[string]any
		}
	}
	d.get("/api/v1/pools", &pools)
	if len(pools.Pools) != 1 || pools.Pools[0].Name != "app" || len(pools.Pools[0].Upstreams) != 2 {
		t.Errorf("pools are %+v", pools)
	}
	var status map[string]any
	d.get("/api/v1/status", &status)
	if status["health"] != "healthy" || status["version"] == "" || status["uptimeSeconds"] == nil {
		t.Errorf("status is %v", status)
	}
	var settings map[string]any
	d.get("/api/v1/config", &settings)
	var events struct{ Events []map[string]any }
	d.get("/api/v1/events", &events)
	if len(events.Events) == 0 {
		t.Error("no event was recorded")
	}

	refuse := func(method, path, body string, status int, header ...string) {
		t.Helper()
		got, answer, err := d.api(method, path, body, header...)
		var e struct {
			Error struct{ Code, Message string }
		}
		if err != nil || got != status || json.Unmarshal([]byte(answer), &e) != nil || e.Error.Code == "" || e.Error.Message == "" {
			t.Errorf("%s %s: %d %s %v, want %d and an error body", method, path, got, answer, err, status)
		}
	}
	const isJSON = "Content-Type: application/json"
	refuse("GET", "/api/v1/workers/app-99", "", 404)
	refuse("GET", "/api/v1/pools/nothing", "", 404)
	refuse("POST", "/api/v1/pools/nothing/restart", "{}", 404, isJSON)
	refuse("GET", "/api/v1/status", "", 421, "Host: evil.example")
	refuse("GET", "/api/v1/status", "", 403, "Origin: http://evil.example")
	refuse("POST", "/api/v1/pools/app/restart", "{}", 403, isJSON, "Origin: http://evil.example")
	refuse("POST", "/api/v1/pools/app/restart", "{}", 415)
	refuse("POST", "/api/v1/pools/app/restart", "{}", 415, "Content-Type: text/plain")
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, body, err := d.api("GET", path, "", "Host: evil.example"); err != nil || status != 200 {
			t.Errorf("GET %s with a foreign Host: %d %s %v", path, status, body, err)
		}
	}
	for _, w := range d.workers() {
		if w.Generation != 1 {
			t.Errorf("a refused restart made %s", w.ID)
		}
	}

	// A restart goes on after its answer.
	code, body := d.post("/api/v1/pools/app/restart", "{}")
	var started struct{ ID string }
	if err := json.Unmarshal([]byte(body), &started); code != 202 || err != nil || started.ID == "" {
		t.Fatalf("restart: %d %s", code, body)
	}
	d.eventually("the operation has succeeded", func() error {
		var op struct{ State string }
		d.get("/api/v1/operations/"+started.ID, &op)
		if op.State != "succeeded" {
			return fmt.Errorf("it is %s", op.State)
		}
		return nil
	})
}

func TestAdmin_TokensAndRoles(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.setenv("GO_SERVER", goServer(t))
	d.setenv("OPS_TOKEN", "operators-secret")
	d.start("run", "-c", d.settings(strings.Replace(strings.Replace(journalSettings, "workers: 4", "workers: 1", 1), `admin: { address: "${ADMIN}" }`, `
admin:
  address: "${ADMIN}"
  tokens:
    - { name: ops, role: operator, token: "${OPS_TOKEN}" }
    - { name: grafana, role: viewer, token: viewers-secret }
`, 1))).waitReady()
	const isJSON = "Content-Type: application/json"
	f := func(method, path string, status int, header ...string) {
		t.Helper()
		if got, body, err := d.api(method, path, "{}", header...); err != nil || got != status {
			t.Errorf("%s %s %v: %d %s %v, want %d", method, path, header, got, body, err, status)
		}
	}
	f("GET", "/healthz", 200)
	f("GET", "/readyz", 200)
	f("GET", "/api/v1/status", 401)
	f("GET", "/metrics", 401)
	f("GET", "/api/v1/status", 401, "Authorization: Bearer wrong")
	f("GET", "/api/v1/status", 200, "Authorization: Bearer viewers-secret")
	f("GET", "/metrics", 200, "Authorization: Bearer viewers-secret")
	f("POST", "/api/v1/pools/app/restart", 403, isJSON, "Authorization: Bearer viewers-secret")
	f("POST", "/api/v1/pools/app/restart", 401, isJSON)
	f("POST", "/api/v1/pools/app/restart", 202, isJSON, "Authorization: Bearer operators-secret")

	_, settings, err := d.api("GET", "/api/v1/config", "", "Authorization: Bearer operators-secret")
	if err != nil || strings.Contains(settings, "-secret") {
		t.Errorf("the effective settings show a token: %s %v", settings, err)
	}
	// Workers get drover's environment less what admin tokens were read from.
	pid := 0
	var list struct{ Workers []worker }
	_, body, err := d.api("GET", "/api/v1/workers", "", "Authorization: Bearer viewers-secret")
	if err == nil {
		err = json.Unmarshal([]byte(body), &list)
	}
	if err != nil || len(list.Workers) == 0 {
		t.Fatalf("workers: %s %v", body, err)
	}
	pid = list.Workers[0].PID
	environ := d.environ(pid)
	if strings.Contains(environ, "operators-secret") {
		t.Error("a worker is given an admin token")
	}
	for _, name := range []string{"PORT=", "HOST=127.0.0.1", "DROVER_WORKER_ID=app-1.", "DROVER_POOL=app", "DROVER_SLOT=1", "DROVER_GENERATION=", "DROVER_IPC_FD=", "NOTIFY_SOCKET="} {
		if !strings.Contains("\x00"+environ, "\x00"+name) {
			t.Errorf("a worker is not given %s: %q", name, strings.ReplaceAll(environ, "\x00", " "))
		}
	}
	cmd := exec.Command(d.binary, "status")
	cmd.Env = append(d.env, "DROVER_ADMIN=http://"+d.admin, "DROVER_ADMIN_TOKEN=viewers-secret")
	if code, stdout, stderr := runBounded(t, cmd); code != 0 {
		t.Errorf("drover status with a token ended with %d\n%s%s", code, stdout, stderr)
	}
}

func TestCommands_ShowWhatRuns(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, "workers: 4", "workers: 2", 1))
	d.waitRunning(2)
	// Without DROVER_ADMIN the commands find the socket that admin.socket: auto chose.
	bySocket := func(args ...string) (int, string, string) {
		cmd := exec.Command(d.binary, args...)
		cmd.Env = d.env
		return runBounded(t, cmd)
	}
	f := func(mentions string, args ...string) {
		t.Helper()
		for _, run := range []func(...string) (int, string, string){d.cli, bySocket} {
			if code, stdout, stderr := run(args...); code != 0 || !strings.Contains(stdout, mentions) {
				t.Errorf("drover %s ended with %d and does not mention %s\n%s%s", strings.Join(args, " "), code, mentions, stdout, stderr)
			}
		}
	}
	f("healthy", "status")
	f("", "status", "--check")
	f("app-1.1", "workers")
	f("app", "pools")
	f("worker-ready", "events")
	f("go1.", "version")
	for _, command := range []string{"status", "workers", "pools"} {
		code, stdout, stderr := d.cli(command, "--json")
		if code != 0 || !json.Valid([]byte(stdout)) {
			t.Errorf("drover %s --json ended with %d\n%s%s", command, code, stdout, stderr)
		}
	}
	if code, stdout, _ := d.cli("status", "--check"); code != 0 || strings.Count(strings.TrimSpace(stdout), "\n") != 0 {
		t.Errorf("status --check ended with %d and prints more than a line: %q", code, stdout)
	}
}

func TestCommands_StatusCheckSaysNotReady(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	d.start(append(d.commandFlags("--workers", "1"), "--", "sleep", "600")...)
	d.eventually("the admin API answers", func() error {
		status, _, err := d.api("GET", "/healthz", "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	if code, stdout, stderr := d.cli("status", "--check"); code != 1 || stdout+stderr == "" {
		t.Errorf("status --check of a drover that is not ready ended with %d: %s%s", code, stdout, stderr)
	}
	if status, body, err := d.api("GET", "/readyz", ""); err != nil || status != 503 || !strings.Contains(body, "app") {
		t.Errorf("/readyz: %d %s %v", status, body, err)
	}
}

func TestCommands_EachHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	for _, command := range []string{"run", "check", "config", "schema", "status", "workers", "pools", "scale", "restart", "worker drain",
		"worker resume", "worker restart", "worker stop", "upstream drain", "upstream resume", "upstream maintenance", "upstream weight",
		"reload", "stop", "events", "sample-app", "version"} {
		code, output := d.try(append(strings.Fields(command), "-h")...)
		// The first line is the usage; the example is another line that begins so.
		if code != 0 || strings.Count(output, "drover "+command) < 2 {
			t.Errorf("drover %s -h ended with %d and shows no example:\n%s", command, code, output)
		}
	}
}
