package monitor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOOMKills_ReadsEitherVersion(t *testing.T) {
	f := func(groups string, files map[string]string, want uint64, wantOK bool) {
		t.Helper()
		root := t.TempDir()
		self := filepath.Join(root, "self")
		put := func(path, text string) {
			t.Helper()
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		put(self, groups)
		for name, text := range files {
			put(filepath.Join(root, name), text)
		}
		if n, ok := oomKills(self, root); n != want || ok != wantOK {
			t.Errorf("%q: %d, %v", groups, n, ok)
		}
	}
	v2 := "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n"
	v1 := "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"
	f("0::/app\n", map[string]string{"app/memory.events": v2}, 2, true)
	f("0::/host/path\n", map[string]string{"memory.events": v2}, 2, true)
	f("4:memory:/app\n1:cpu:/\n0::/\n", map[string]string{"memory/app/memory.oom_control": v1}, 5, true)
	f("4:memory:/host/path\n", map[string]string{"memory/memory.oom_control": v1}, 5, true)
	f("0::/\n", nil, 0, false)
	f("nonsense\n", nil, 0, false)
	if _, ok := oomKills("/does/not/exist", t.TempDir()); ok {
		t.Error("a count from nowhere")
	}
}
