package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const cached = mixed + `
cache:
  enabled: true
  file: kept.cache
  warm:
    - { namespace: settings, key: colours, value: { text: black, sizes: [ 1, 2.50 ] }, tags: [ design ] }
    - { namespace: settings, key: logo, value: "a.png", ttl: 1h }
    - { file: warm.json }
`

const warmFile = `[
  {"namespace": "users", "key": "7", "value": {"name": "Ada"}, "tags": ["team:1"]},
  {"namespace": "users", "key": "8", "value": null, "tags": ["team:1"]},
  {"namespace": "users", "key": "19", "value": 1}
]`

// cacheCommand runs drover cache and compares status and output.
func (d *instance) cacheCommand(command string, code int, says string) {
	d.t.Helper()
	got, stdout, stderr := d.cli(strings.Fields("cache " + command)...)
	if got != code || strings.TrimSpace(stdout+stderr) != says {
		d.t.Errorf("drover cache %s: status %d, want %d; says\n%s%s\nwant\n%s", command, got, code, stdout, stderr, says)
	}
}

func TestCache_IsWarmedOperatedAndKept(t *testing.T) {
	t.Parallel()
	d := newInstance(t)
	if err := os.WriteFile(filepath.Join(d.dir, "warm.json"), []byte(warmFile), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(cached)
	f := d.cacheCommand
	f("get settings colours", 0, `{"text":"black","sizes":[1,2.50]}`)
	f("get users 7", 0, `{"name":"Ada"}`)
	f("get users 8", 0, `null`)
	f("get users 9", 1, `drover: namespace users has no key 9`)
	f("get nothing 9", 1, `drover: namespace nothing has no key 9`)
	if _, stdout, _ := d.cli("cache", "get", "settings", "logo", "--json"); !strings.Contains(stdout, `"ttlMs": 35`) { // a little less than an hour
		t.Errorf("got %s", stdout)
	}
	_, stdout, _ := d.cli("cache", "stats")
	if lines := strings.Split(stdout, "\n"); !strings.HasPrefix(lines[0], "entries: 5, ") || !strings.HasPrefix(lines[3], "settings   2  ") || !strings.HasPrefix(lines[4], "users      3  ") {
		t.Errorf("got %s", stdout)
	}
	f("purge users --tag team:1", 0, "removed: 2")
	f("purge users --prefix 1", 0, "removed: 1")
	f("purge users --prefix 1", 0, "removed: 0")
	f("purge settings logo", 0, "removed: 1")
	f("purge settings logo", 0, "removed: 0")
	f("get settings logo", 1, `drover: namespace settings has no key logo`)
	f("warm", 0, "stored: 4\nrequests answered: 0")
	f("purge settings --all", 0, "removed: 2")
	f("purge --all", 0, "removed: 3")
	f("warm --replace", 0, "stored: 5\nrequests answered: 0")

	_, body, err := d.api("GET", "/metrics", "")
	for _, line := range []string{`drover_cache_entries 5`, `drover_cache_misses_total{namespace="users"} 1`, `drover_cache_hits_total{namespace="users"} 2`} {
		if err != nil || !strings.Contains(body, line+"\n") {
			t.Errorf("no line %s (%v) in\n%s", line, err, grep(body, "drover_cache"))
		}
	}

	// What is kept over a restart is what was there, not what the settings say.
	f("purge users 7", 0, "removed: 1")
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Fatalf("drover ended with %d", code)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "warm.json"), []byte(`{"namespace": "users", "key": "19", "value": 2}`+"\nno json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(cached)
	f("get users 19", 0, "1")
	f("get users 7", 1, "drover: namespace users has no key 7")
	code, stdout, stderr := d.cli("cache", "warm", "--replace")
	if code != 1 || !strings.HasPrefix(stdout, "stored: 3\nrequests answered: 0\nnot used: warm.json:2: ") {
		t.Errorf("drover cache warm: %d %s%s", code, stdout, stderr)
	}
	f("get users 19", 0, "2")
	if grep(d.output(), "warm the cache") == "" {
		t.Errorf("the log does not say that a line of warm.json could not be used:\n%s", d.output())
	}
}
