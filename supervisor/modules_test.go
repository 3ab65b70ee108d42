package supervisor

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/workertest"
)

const (
	denied     = "security.modules.deny of the pool names it"
	notAllowed = "security.modules.allow of the pool does not name it"
)

// applicationFiles are an application with two packages for each language.
func applicationFiles(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"own.js":                     "",
		"static.mjs":                 "import { execSync } from 'node:child_process'; execSync('true');",
		"package.mjs":                "import 'bad';",
		"good.mjs":                   "import 'good';",
		"node_modules/bad/index.js":  "module.exports = 1;",
		"node_modules/good/index.js": "require('./part.js'); exports.bad = () => require('bad');",
		"node_modules/good/part.js":  "",
		"own.py":                     "",
		"site-packages/bad.py":       "",
		"site-packages/good.py":      "def bad():\n    import bad\n",
		"user/sitecustomize.py":      "print('sitecustomize of the user')",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// underModules runs a program as a worker of a pool with these restrictions, and
// returns what it says of each of its tries.
func underModules(t *testing.T, dir string, m config.Modules, argv ...string) map[string]string {
	t.Helper()
	path, err := WritePreload(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg := poolConfig(1, func(c *config.Pool) { c.Transport, c.Command, c.Security.Modules = "port", argv, m })
	who := identity{ID: "app-1.1", Pool: "app", Slot: 1, Generation: 1, Transport: "port"}
	who.Preload, who.Moves = preloadFor(path, cfg)
	if who.Modules, err = modulesFor("app", cfg, who.Preload); err != nil || who.Modules == "" || who.Moves {
		t.Fatalf("%+v, %v", who, err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	env := map[string]string{"PYTHONPATH": strings.Join([]string{filepath.Join(dir, "user"), dir, filepath.Join(dir, "site-packages")}, ":")}
	cmd.Env = environ(os.Environ(), nil, nil, env, nil, who)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		for _, end := range []string{" loaded", " not found", " " + denied, " " + notAllowed, " of the user"} {
			if name, ok := strings.CutSuffix(strings.TrimSpace(line), end); ok {
				said[name] = end[1:]
			}
		}
	}
	if len(said) == 0 || strings.Contains(string(out), "Error") {
		t.Errorf("%q says\n%s", argv, out)
	}
	return said
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got[name] != want[name] {
				t.Errorf("%s: %q, want %q", name, got[name], want[name])
			}
		}
		t.Errorf("%d tries, want %d", len(got), len(want))
	}
}

func TestModules_NodeAndBun(t *testing.T) {
	dir := applicationFiles(t)
	for name, program := range runtimes(t) {
		t.Run(name, func(t *testing.T) {
			same(t, underModules(t, dir, config.Modules{Deny: []string{"child_process", "ba*"}}, program, "testdata/modules.cjs", dir), map[string]string{
				"require built-in": denied, "require node:": denied, "import built-in": denied, "static import": denied, "getBuiltinModule": denied,
				"require package": denied, "require file": denied, "import package": denied, "nested": denied,
				"good package": "loaded", "import good": "loaded", "own file": "loaded", "fs": "loaded", "missing": "not found",
			})
			want := map[string]string{
				"require built-in": notAllowed, "require node:": notAllowed, "import built-in": notAllowed, "static import": notAllowed, "getBuiltinModule": notAllowed,
				"require package": notAllowed, "require file": notAllowed, "import package": notAllowed, "nested": notAllowed,
				"good package": "loaded", "import good": "loaded", "own file": "loaded", "fs": "loaded", "missing": "not found",
			}
			if name == "bun" { // allow does not reach what it has built in and a program imports
				want["import built-in"], want["static import"] = "loaded", "loaded"
			}
			same(t, underModules(t, dir, config.Modules{Allow: []string{"good", "node:fs", "path", "module"}}, program, "testdata/modules.cjs", dir), want)
		})
	}
}

func TestModules_Python(t *testing.T) {
	workertest.Need(t, "python3")
	dir := applicationFiles(t)
	const user = "of the user"
	same(t, underModules(t, dir, config.Modules{Deny: []string{"subprocess", "concurrent.futures", "ba*"}}, "python3", "testdata/modules.py"), map[string]string{
		"statement": denied, "asyncio": "loaded", "statement again": denied, "import_module": denied, "__import__": denied, "member": denied,
		"package": denied, "nested": denied, "good package": "loaded", "own file": "loaded", "json": "loaded", "missing": "not found", "sitecustomize": user,
	})
	same(t, underModules(t, dir, config.Modules{Allow: []string{"good", "importlib", "python:sys", "json"}}, "python3", "testdata/modules.py"), map[string]string{
		"statement": notAllowed, "asyncio": notAllowed, "statement again": notAllowed, "import_module": notAllowed, "__import__": notAllowed, "member": notAllowed,
		"package": notAllowed, "nested": notAllowed, "good package": "loaded", "own file": "loaded", "json": "loaded", "missing": "not found", "sitecustomize": user,
	})
}

func TestModules_ThatCannotBeEnforcedAreAnError(t *testing.T) {
	path, err := WritePreload(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := func(enforced bool, command ...string) {
		t.Helper()
		cfg := poolConfig(1, func(c *config.Pool) { c.Command, c.Security.Modules.Deny = command, []string{"child_process"} })
		preload, _ := preloadFor(path, cfg)
		_, err := modulesFor("app", cfg, preload)
		if enforced != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "security.modules of pool app cannot be enforced: ") {
			t.Errorf("%q: %v", command, err)
		}
	}
	f(true, "node", "server.js")
	f(false, "sudo", "-u", "app", "node", "server.js")
	f(true, "python3", "-u", "app.py", "-I")
	f(true, "/usr/bin/python3.11", "-W", "error", "-Xdev", "-uBm", "app", "-E")
	f(true, "python3", "-c", "print()", "-S")
	f(true, "python3")
	f(true, "node", "-I")
	f(false, "python3", "-I", "app.py")
	f(false, "/usr/bin/python3", "-W", "error", "-uE", "app.py")
	f(false, "python3", "-X", "dev", "--check-hash-based-pycs=always", "-Sc", "print()")
}
