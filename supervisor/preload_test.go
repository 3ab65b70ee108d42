package supervisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/workertest"
)

func TestPreload_IsAppendedToWhatTheUserHasSet(t *testing.T) {
	f := func(preload, options string, want ...string) {
		t.Helper()
		var inherited []string
		if options != "" {
			inherited = []string{"NODE_OPTIONS=" + options}
		}
		who := identity{ID: "a-1.1", Pool: "a", Slot: 1, Generation: 1, Transport: "auto", Port: 20001, Socket: "/run/a.sock", Preload: preload, Moves: true}
		var got []string
		for _, kv := range environ(append(inherited, "DROVER_PORT=1", "DROVER_SOCKET=s"), nil, nil, nil, nil, who) {
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
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "listen.cjs")); err != nil || !strings.Contains(string(text), "DROVER_SOCKET") {
		t.Errorf("%s: %.100s %v", path, text, err)
	}
	f := func(want bool, change func(*config.Pool), command ...string) {
		t.Helper()
		cfg := poolConfig(1, func(c *config.Pool) { c.Transport, c.Command = "auto", command })
		if change != nil {
			change(cfg)
		}
		if got, _ := preloadFor(path, cfg); (got == path) != want {
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
	exec := func(c *config.Pool) { c.HealthCheck.Type = "exec" }
	f(true, exec, "node", "server.js")
	for _, change := range []func(*config.Pool){nil, exec} {
		cfg := poolConfig(1, func(c *config.Pool) { c.Transport, c.Command = "auto", []string{"node"} })
		if change != nil {
			change(cfg)
		}
		if _, moves := preloadFor(path, cfg); moves != (change == nil) {
			t.Errorf("health check %s: moves servers: %v", cfg.HealthCheck.Type, moves)
		}
	}
	if got, _ := preloadFor(filepath.Join(t.TempDir(), "gone.cjs"), poolConfig(1, func(c *config.Pool) { c.Transport = "auto" })); got != "" {
		t.Errorf("a file that is gone: %q", got)
	}
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "preload"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := WritePreload(taken); err == nil || !strings.Contains(err.Error(), "Node.js") {
		t.Errorf("a file where its folder would be: %v", err)
	}
}

func TestPreload_MovesEveryFormOfListenAndNoOther(t *testing.T) {
	workertest.Need(t, "node")
	dir, err := os.MkdirTemp("", "sup") // short enough for sockets
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's temporary folder
	path, err := WritePreload(dir)
	if err != nil {
		t.Fatal(err)
	}
	port, err := NewPortAllocator().Take()
	if err != nil {
		t.Fatal(err)
	}
	who := identity{ID: "a-1.1", Pool: "a", Slot: 1, Generation: 1, Transport: "auto", Port: port, Socket: filepath.Join(dir, "s"), Preload: path, Moves: true}
	const want = `[PORT] Pipe :: PORT
["PORT"] Pipe :: PORT
[PORT,"127.0.0.1"] Pipe 127.0.0.1 PORT
["PORT","localhost",5] Pipe 127.0.0.1 PORT
[PORT,5] Pipe :: PORT
["PORT",null,5] Pipe :: PORT
[{"port":"PORT"}] Pipe :: PORT
[{"port":PORT,"host":"::1","backlog":5}] Pipe ::1 PORT
[0] TCP :: other
[{"port":0,"host":"127.0.0.1"}] TCP 127.0.0.1 other
[{"path":"SOCKET.other"}] Pipe path
["PORT"] Pipe :: PORT
["PORT"] EADDRINUSE
["PORT","127.0.0.1"] TCP 127.0.0.1 PORT
[0] TCP :: other
`
	for _, when := range []string{"at first", "with the socket of one that ended", "where it may load no more than it does"} {
		if strings.Contains(when, "load") {
			who.Modules = `{"pool":"a","allow":["http","tls"],"deny":[]}`
		}
		cmd := exec.Command("node", "testdata/listen.js")
		cmd.Env = environ(os.Environ(), nil, nil, nil, nil, who)
		out, err := cmd.CombinedOutput()
		got := strings.NewReplacer(who.Socket, "SOCKET", strconv.Itoa(port), "PORT").Replace(string(out))
		if err != nil || got != want {
			t.Errorf("%s: %v\n%s", when, err, got)
		}
	}
}
