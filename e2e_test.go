package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// The end-to-end tests run the built binary with real workers. Each has its own folder, ports and admin
// socket, so that they run side by side; each looks afterwards whether a process was left behind.
// DROVER_TEST_LONG=1 gives the tests under load a full minute, and faults the time that they are meant to last.

// binaries are built once, when the first test asks for them.
var binaries = struct {
	dir      string
	drover   func() (string, error)
	goServer func() (string, error)
	goWorker func() (string, error)
	examples map[string]func() (string, error)
}{}

func TestMain(m *testing.M) {
	process.Main()
	workertest.Act()
	if os.Getenv(markEnv) != "" {
		// A worker that lost its mode would run all tests once more, and they start workers.
		fmt.Fprintln(os.Stderr, "the test binary was started as a worker without a mode")
		os.Exit(70)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "drover-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a rest in the temporary folder is not worth a failure
	binaries.dir = dir
	binaries.drover = sync.OnceValues(func() (string, error) { return goBuild(dir, "drover", ".") })
	binaries.goServer = sync.OnceValues(func() (string, error) { return goBuild(dir, "go-server", "./testdata/apps/go-server") })
	binaries.goWorker = sync.OnceValues(func() (string, error) { return goBuild(dir, "go-worker", "./testdata/apps/go-worker") })
	binaries.examples = make(map[string]func() (string, error))
	for _, name := range []string{"shop", "warehouse"} {
		binaries.examples[name] = sync.OnceValues(func() (string, error) { return goBuild(dir, name, "./examples/go/"+name) })
	}
	return m.Run()
}

// goBuild builds a package, under the race detector when the tests are.
func goBuild(dir, name, pkg string) (string, error) {
	path := filepath.Join(dir, name)
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// droverBinary returns the path of the program under test.
func droverBinary(t *testing.T) string {
	t.Helper()
	return built(t, binaries.drover)
}

// goServer returns the path of the ordinary Go server of testdata/apps.
func goServer(t *testing.T) string {
	t.Helper()
	return built(t, binaries.goServer)
}

func built(t *testing.T, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// app returns the path of a file of testdata/apps.
func app(t *testing.T, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"testdata", "apps"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// needModules skips the test, or fails it where skipping is forbidden, when an application's npm
// packages are not installed.
func needModules(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(app(t, name, "node_modules")); err == nil {
		return
	}
	workertest.Lack(t, fmt.Sprintf("the packages of testdata/apps/%s are not installed; run: npm ci --prefix testdata/apps/%s", name, name))
}

// long says whether the tests under load take the minute they are about.
func long() bool { return os.Getenv("DROVER_TEST_LONG") == "1" }
