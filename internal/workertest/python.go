package workertest

import (
	"os/exec"
	"strings"
	"testing"
)

// Python returns the interpreter itself, not a script of a version manager that looks for it.
func Python(t testing.TB) string {
	t.Helper()
	Need(t, "python3")
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
