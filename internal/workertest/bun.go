package workertest

import (
	"os"
	"path/filepath"
	"testing"
)

// Bun finds the binary in the npm package that testdata/apps/bun has, of the
// repository at root: an install script moves it to bun/bin where such scripts
// may run, else it stays in the package of the platform.
func Bun(t testing.TB, root string) string {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join(root, "testdata", "apps", "bun", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	packages, _ := filepath.Glob(filepath.Join(modules, "@oven", "bun-*", "bin", "bun")) // the pattern is well-formed
	for _, path := range append([]string{filepath.Join(modules, "bun", "bin", "bun.exe")}, packages...) {
		if info, err := os.Stat(path); err == nil && info.Size() > 1<<20 {
			return path
		}
	}
	Lack(t, "there is no bun for this machine in testdata/apps/bun/node_modules; run: npm ci --prefix testdata/apps/bun")
	return ""
}
