// Package node_test has what is written for Node.js and Bun tested by them.
package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// patience bounds a run of all unit tests: the machine may be busy.
const patience = 3 * time.Minute

func TestNode_Units(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	run(t, ".", "node", append([]string{"--test"}, unitTests(t)...)...)
}

func TestBun_Units(t *testing.T) {
	t.Parallel()
	// Bun gives a test 5 seconds otherwise.
	run(t, ".", bun(t), append([]string{"test", "--timeout", "60000"}, unitTests(t)...)...)
}

func unitTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("./test/*.test.js")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files of unit tests, %v", len(files), err)
	}
	for i := range files {
		files[i] = "./" + files[i] // else Bun takes it for a pattern
	}
	return files
}

func TestTypes(t *testing.T) {
	t.Parallel()
	run(t, ".", "node", compiler(t), "--noEmit", "-p", "test/types")
}

// What npm pack makes is installed into an empty folder and used from there in every way.
func TestPackage(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	dir := t.TempDir()
	var packed []struct {
		Filename string `json:"filename"`
		Files    []struct {
			Path string `json:"path"`
		} `json:"files"`
	}
	out := run(t, ".", "npm", "pack", "--json", "--pack-destination", dir)
	if err := json.Unmarshal([]byte(out), &packed); err != nil || len(packed) != 1 {
		t.Fatalf("npm pack: %v\n%s", err, out)
	}
	var names []string
	for _, f := range packed[0].Files {
		names = append(names, f.Path)
	}
	libs, _ := filepath.Glob("lib/*.js") // the pattern is well-formed
	want := append(libs, "LICENSE", "README.md", "index.d.mts", "index.d.ts", "index.js", "index.mjs", "package.json")
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the package holds %v, want %v", names, want)
	}

	write(t, dir, "package.json", `{"private":true}`)
	run(t, dir, "npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", "./"+packed[0].Filename)
	if entries, err := os.ReadDir(filepath.Join(dir, "node_modules")); err != nil || len(entries) > 2 { // ours, and npm's own notes
		t.Errorf("the package brings others: %v %v", entries, err)
	}
	write(t, dir, "cjs.cjs", `const d = require('drover'); d.broadcast('a').then((r) => console.log(d.worker.id, r.received, typeof d.ClusterManager));`)
	write(t, dir, "esm.mjs", `import drover, { worker, broadcast, cache } from 'drover'; import { createRequire } from 'module';
const same = createRequire(import.meta.url)('drover') === drover;
await cache.set('k', 1); console.log(worker.id, (await broadcast('a')).received, same, await drover.cache.get('k'));`)
	for _, program := range []string{"node", bun(t)} {
		if got := run(t, dir, program, "cjs.cjs"); got != "app-1.1 0 function\n" {
			t.Errorf("%s: require: %q", program, got)
		}
		if got := run(t, dir, program, "esm.mjs"); got != "app-1.1 0 true 1\n" {
			t.Errorf("%s: import: %q", program, got)
		}
	}

	for _, name := range []string{"esm.mts", "cjs.cts", "tsconfig.json"} {
		raw, err := os.ReadFile(filepath.Join("test", "types", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(raw))
	}
	types := abs(t, "node_modules/@types")
	run(t, dir, "node", compiler(t), "--noEmit", "-p", ".", "--typeRoots", types)
	examples := readme(t, dir)
	run(t, dir, "node", append([]string{compiler(t), "--noEmit", "--module", "node16", "--target", "es2022", "--typeRoots", types, "--types", "node"}, examples...)...)
}

// readme writes the examples of README.md into files; they use what there is, as it is to be used.
func readme(t *testing.T, dir string) (names []string) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "\n```js\n")[1:] {
		code, _, _ := strings.Cut(part, "\n```\n")
		names = append(names, fmt.Sprintf("readme%d.mts", i+1))
		write(t, dir, names[i], code)
	}
	if len(names) < 5 {
		t.Fatalf("README.md has %d examples", len(names))
	}
	return names
}

// compiler is TypeScript's.
func compiler(t *testing.T) string {
	t.Helper()
	workertest.Need(t, "node")
	path := abs(t, "node_modules/typescript/bin/tsc")
	if _, err := os.Stat(path); err != nil {
		workertest.Lack(t, "sdk/node has no node_modules: run npm ci there")
	}
	return path
}

// bun finds the binary in the npm package that the test applications have.
func bun(t *testing.T) string {
	t.Helper()
	modules := abs(t, "../../testdata/apps/bun/node_modules")
	packages, _ := filepath.Glob(filepath.Join(modules, "@oven", "bun-*", "bin", "bun")) // the pattern is well-formed
	for _, path := range append([]string{filepath.Join(modules, "bun", "bin", "bun.exe")}, packages...) {
		if info, err := os.Stat(path); err == nil && info.Size() > 1<<20 {
			return path
		}
	}
	workertest.Lack(t, "testdata/apps/bun has no node_modules: run npm ci there")
	return ""
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run returns what a program that must succeed prints.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DROVER_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	var out, all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &all
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out.String(), all.String())
	}
	return out.String()
}
