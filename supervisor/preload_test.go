package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestPreload_IsAppendedToWhatTheUserHasSet(t *testing.T) {
	f := func(preload, options string, want ...string) {
		t.Helper()
		var inherited []string
		if options != "" {
			inherited = []string{"NODE_OPTIONS=" + options}
		}
		who := identity{ID: "a-1.1", Pool: "a", Slot: 1, Generation: 1, Transport: "auto", Port: 20001, Socket: "/run/a.sock", Preload: preload}
		var got []string
		for _, kv := range environ(append(inherited, "DROVER_PORT=1", "DROVER_SOCKET=s"), nil, nil, nil, who) {
			if strings.Contains(kv, "OPTIONS=") || strings.HasPrefix(kv, "DROVER_PORT=") || strings.HasPrefix(kv, "DROVER_SOCKET=") {
				got = append(got, kv)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q after %q: %q, want %q", preload, options, got, want)
		}
	}
	pinned := []string{"DROVER_PORT=20001", "DROVER_SOCKET=/run/a.sock"}
	f("/r/p.cjs", "", "BUN_OPTIONS=--preload=/r/p.cjs", pinned[0], pinned[1], "NODE_OPTIONS=--require=/r/p.cjs")
	f("/r/p.cjs", "-r a ", "BUN_OPTIONS=--preload=/r/p.cjs", pinned[0], pinned[1], "NODE_OPTIONS=-r a  --require=/r/p.cjs")
	f(`/r "\/p.cjs`, "", `BUN_OPTIONS="--preload=/r \"\\/p.cjs"`, pinned[0], pinned[1], `NODE_OPTIONS="--require=/r \"\\/p.cjs"`)
	f("", "-r a", "NODE_OPTIONS=-r a")
	f("/r/p.cjs", "--permission", "NODE_OPTIONS=--permission") // it may not read the file
}

func TestPreload_StaysAwayFromWhatCouldNotReadIt(t *testing.T) {
	path, err := WritePreload(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "DROVER_SOCKET") {
		t.Errorf("%s: %.100s %v", path, text, err)
	}
	f := func(want bool, change func(*config.Pool), command ...string) {
		t.Helper()
		cfg := poolConfig(1, func(c *config.Pool) { c.Transport, c.Command = "auto", command })
		if change != nil {
			change(cfg)
		}
		if got := preloadFor(path, cfg) == path; got != want {
			t.Errorf("%q: %v", command, got)
		}
	}
	f(true, nil, "node", "server.js")
	f(true, nil, "sh", "-c", "exec node server.js --su")
	f(false, nil, "gosu", "app", "node", "server.js")
	f(false, nil, "sh", "-c", "cd /app; exec /usr/bin/setpriv --reuid=1 node server.js")
	f(false, nil, "node", "--permission", "--allow-fs-read=/app", "server.js")
	f(false, func(c *config.Pool) { c.Transport = "port" }, "node", "server.js")
	f(false, func(c *config.Pool) { c.Transport = "socket" }, "node", "server.js")
	f(false, func(c *config.Pool) { c.HealthCheck.Type = "exec" }, "node", "server.js")
	if got := preloadFor(filepath.Join(t.TempDir(), "gone.cjs"), poolConfig(1, func(c *config.Pool) { c.Transport = "auto" })); got != "" {
		t.Errorf("a file that is gone: %q", got)
	}
	if _, err := WritePreload(filepath.Join(t.TempDir(), "missing")); err == nil || !strings.Contains(err.Error(), "Node.js") {
		t.Errorf("a folder that is gone: %v", err)
	}
}
