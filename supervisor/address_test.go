package supervisor

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketPath_FitsIntoASocketAddress(t *testing.T) {
	dir := "/run/drover/" + strings.Repeat("d", 40)
	path, err := socketPath(dir, "app-1.1", "")
	if err != nil || path != filepath.Join(dir, "app-1.1.sock") {
		t.Errorf("short: %s, %v", path, err)
	}
	long := strings.Repeat("p", 63)
	a, err := socketPath(dir, long+"-1.1", "")
	if err != nil || len(a) > maxSocketPath {
		t.Errorf("long: %s, %v", a, err)
	}
	if b, err := socketPath(dir, long+"-1.2", ""); err != nil || a == b {
		t.Errorf("two generations share %s (%v)", b, err)
	}
	if _, err := socketPath(strings.Repeat("d", 100), "app-1.1", "s"); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a folder too deep: %v", err)
	}
}
