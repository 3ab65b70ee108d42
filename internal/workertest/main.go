package workertest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/process"
)

const (
	modeEnv   = "DROVER_TEST_WORKER"
	noSkipEnv = "DROVER_TEST_NO_SKIP"
)

// Main is the whole of a TestMain: it lets the process package do its part where this process was
// re-executed by it, acts as a worker where the environment names a mode, and otherwise runs the
// tests. It does not return.
func Main(m *testing.M) {
	process.Main()
	Act()
	os.Exit(m.Run())
}

// Act becomes the worker that the environment names and does not return; without one it does
// nothing. It is for a TestMain that has more to do than Main.
func Act() {
	mode := os.Getenv(modeEnv)
	if mode == "" {
		return
	}
	time.AfterFunc(5*time.Minute, func() { syscall.Exit(99) })
	act(mode, os.Args[1:])
}

// Command returns the command line of a worker of the given mode and what its environment needs in
// addition. The modes are described at the package.
func Command(mode string, args ...string) (argv []string, env map[string]string) {
	if _, ok := modes()[mode]; !ok {
		panic("workertest: no mode " + mode)
	}
	return append([]string{executable()}, args...), map[string]string{modeEnv: mode}
}

// Need skips the test when something it uses is missing: "root", or the name of a program. Where
// DROVER_TEST_NO_SKIP is 1 the test fails instead.
func Need(t testing.TB, what string) {
	t.Helper()
	var missing string
	if what == "root" {
		if os.Geteuid() != 0 {
			missing = "it needs root"
		}
	} else if _, err := exec.LookPath(what); err != nil {
		missing = fmt.Sprintf("%s is not installed", what)
	}
	if missing != "" {
		Lack(t, missing)
	}
}

// Lack skips the test because of what is missing, or fails it where
// DROVER_TEST_NO_SKIP is 1.
func Lack(t testing.TB, missing string) {
	t.Helper()
	if os.Getenv(noSkipEnv) == "1" {
		t.Fatalf("cannot run %s: %s (and %s=1 forbids to skip)", t.Name(), missing, noSkipEnv)
	}
	t.Skipf("SKIPPED %s: %s", t.Name(), missing)
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		panic("workertest: " + err.Error())
	}
	return path
}
