package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// settings writes a settings file and returns its path.
func settings(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "drover.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck_PrintsEveryFaultAndEndsWith2(t *testing.T) {
	f := func(text string, code int, out, errs string) {
		t.Helper()
		path := settings(t, text)
		got := run([]string{"check", "-c", path})
		got.out, got.errors = strings.ReplaceAll(got.out, path, "FILE"), strings.ReplaceAll(got.errors, path, "FILE")
		if got != (result{code, out, errs}) {
			t.Errorf("got %d\n%s\n%s", got.code, got.out, got.errors)
		}
	}
	const good = "server:\n  listeners:\n    - { address: ':8080', pool: app }\npools:\n  app:\n    command: [\"true\"]\n"
	f(good, 0, "FILE: settings are good: 1 listener, 0 routes, 1 pool\n", "")
	f(good+"    healthCheck: { interval: 10s, timeout: 30s }\n    comand: []\n", 2, "",
		"FILE:7: pools.app.healthCheck.timeout: 30s exceeds interval 10s; make it smaller than the interval\n"+
			"FILE:8: pools.app.comand: unknown key; did you mean \"command\"?\n")
	f(strings.Replace(good, `"true"`, "no-such-command", 1), 2, "",
		"FILE:6: pools.app.command[0]: \"no-such-command\": command not found in PATH; install it, correct the name, or write the path of the program\n")
	f("server:\n\tlisteners: []\n", 2, "", "FILE:2: YAML does not allow tabs for indentation; use spaces\n")
	f("", 2, "", "FILE:1: the file is empty; write settings into it, such as those of config.example.yaml\n")
	f("- a\n", 2, "", "FILE:1: the file holds a list where a mapping is needed; begin with server: and pools:, as in config.example.yaml\n")
}

func TestCheck_LooksBeyondTheSettings(t *testing.T) {
	path := settings(t, "server:\n  listeners:\n    - { address: ':8080', pool: app }\npools:\n  app:\n    command: [\"true\"]\n")
	var errs bytes.Buffer
	code := Main([]string{"check", "-c", path}, Environment{Stdout: io.Discard, Stderr: &errs,
		Check: func(c *config.Config) error { return errors.Join(errors.New(c.PoolNames()[0]), errors.New("second")) }})
	if want := path + ": app\n" + path + ": second\n"; code != ExitUsage || errs.String() != want {
		t.Errorf("got %d and %q, want %q", code, errs.String(), want)
	}
}

func TestCheck_SaysWhatToDoAboutAMissingFile(t *testing.T) {
	got := run([]string{"check", "-c", "/none/drover.yaml"})
	want := "drover: /none/drover.yaml: the settings file does not exist; name another with -c FILE, or copy config.example.yaml there\n"
	if got != (result{2, "", want}) {
		t.Errorf("got %+v", got)
	}
}

func TestConfig_PrintsWhatCheckAccepts(t *testing.T) {
	t.Setenv("DROVER_TEST_TOKEN", "s3cret")
	path := settings(t, `server:
  listeners: [ { address: ":8080", pool: app } ]
pools:
  app: { command: ["true", "${PORT}", "$$x"] }
admin: { tokens: [ { name: ops, role: operator, token: "${DROVER_TEST_TOKEN}" } ] }
`)
	first := run([]string{"config", "-c", path})
	if first.code != 0 || first.errors != "" || strings.Contains(first.out, "s3cret") {
		t.Fatalf("got %+v", first)
	}
	golden(t, "config.golden", first.out)
	shown := settings(t, first.out)
	if got := run([]string{"check", "-c", shown}); got.code != 0 {
		t.Errorf("check refuses it: %s", got.errors)
	}
	if again := run([]string{"config", "-c", shown}); again.out != first.out {
		t.Errorf("printed again it is\n%s", again.out)
	}
}

func TestConfig_PrintsFaultsAsCheckDoes(t *testing.T) {
	path := settings(t, "servr: {}\n")
	a, b := run([]string{"config", "-c", path}), run([]string{"check", "-c", path})
	if a != b || a.code != 2 || !strings.Contains(a.errors, `drover.yaml:1: servr: unknown key; did you mean "server"?`) {
		t.Errorf("got %+v and %+v", a, b)
	}
}

func TestSchema_PrintsJSON(t *testing.T) {
	got := run([]string{"schema"})
	var schema struct {
		Schema     string `json:"$schema"`
		Properties map[string]any
	}
	if err := json.Unmarshal([]byte(got.out), &schema); err != nil || got.code != 0 {
		t.Fatalf("got %v, %+v", err, got)
	}
	if schema.Schema != "https://json-schema.org/draft/2020-12/schema" || schema.Properties["pools"] == nil {
		t.Errorf("got %+v", schema)
	}
}
