// Package python_test runs the tests of the Python SDK with those of drover.
package python_test

import (
	"os/exec"
	"regexp"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// TestPython runs sdk/python's own tests. Those of encryption need the package
// cryptography: without it they would prove nothing, so that is a failure.
func TestPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		workertest.Lack(t, "python3 (3.9 or newer) is not installed")
	}
	const needs = "import sys; assert sys.version_info >= (3, 9), sys.version; import cryptography"
	if out, err := exec.Command(python, "-c", needs).CombinedOutput(); err != nil {
		t.Fatalf("%s must be 3.9 or newer and have the package cryptography (Debian: python3-cryptography; pip install cryptography): %v\n%s", python, err, out)
	}
	out, err := exec.Command(python, "-W", "error", "-m", "unittest", "-v").CombinedOutput()
	if err != nil || regexp.MustCompile(`(?m)^Ran 0 tests|skipped`).Match(out) {
		t.Fatalf("python3 -m unittest: %v\n%s", err, out)
	}
	t.Logf("%s", regexp.MustCompile(`(?m)^Ran .*$`).Find(out))
}
