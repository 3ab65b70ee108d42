package drover

import (
	"os/exec"
	"strings"
	"testing"
)

// Applications import this package: it brings nothing along.
func TestImports_TheStandardLibraryAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.Fields(string(out)); len(got) != 1 || got[0] != "github.com/drover-proxy/drover/sdk/go" {
		t.Errorf("it imports %v", got)
	}
}
