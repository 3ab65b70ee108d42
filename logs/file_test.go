package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
)

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFile_RotatesBetweenLinesAndKeepsSoMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "drover.log")
	f, err := openFile(config.LogFile{Path: path, MaxSize: 100, MaxFiles: 3}, ownLog)
	if err != nil {
		t.Fatal(err)
	}
	var block []byte
	for i := range 100 {
		block = fmt.Appendf(block, "line %03d\n", i) // 9 bytes
	}
	if n, err := f.Write(block); n != len(block) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(block), err)
	}
	old := f.rotatedFiles()
	if len(old) != 3 {
		t.Fatalf("%d rotated files, want 3", len(old))
	}
	all := ""
	for _, r := range old {
		text := content(t, r.path)
		if len(text) != 99 {
			t.Errorf("%s has %d bytes, want 11 whole lines", r.path, len(text))
		}
		all += text
	}
	if all += content(t, path); !strings.HasSuffix(string(block), all) {
		t.Errorf("what is left is not the end of what was written: %q", all)
	}
	f.close()
	if _, err := f.Write([]byte("x\n")); err == nil {
		t.Error("a closed file was written to")
	}
}

func TestFile_TakesALineThatIsTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f, err := openFile(config.LogFile{Path: path, MaxSize: 10}, ownLog)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 50) + "\n"
	for _, text := range []string{"a\n", long + "b\n", "c\n"} {
		if n, err := f.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(text), err)
		}
	}
	if got := content(t, path); got != "b\nc\n" {
		t.Errorf("%q, want the lines after the long one", got)
	}
	f.close()
}

func TestFile_RemovesOldOnesByAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f, err := openFile(config.LogFile{Path: path, MaxSize: 10, MaxAge: config.Duration(time.Hour)}, ownLog)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	now := time.Now().UTC()
	old, young, other := f.rotatedName(now.Add(-2*time.Hour)), f.rotatedName(now.Add(-30*time.Minute)), filepath.Join(filepath.Dir(path), "a-b.log")
	for _, name := range []string{old, young, other} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.prune(now)
	if exists(old) || !exists(young) || !exists(other) {
		t.Errorf("old there: %v, young: %v, other: %v; want only the old one gone", exists(old), exists(young), exists(other))
	}
}

func TestLogs_ReopenFollowsAMovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drover.log")
	l, err := New(config.Logging{Files: []config.LogFile{{Path: path}}}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	log := l.Logger("a")
	log.Info("first")
	l.Sync()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log.Info("second")
	l.Sync()
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	log.Info("third")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(lines(t, content(t, path+".1"))); got != 2 {
		t.Errorf("%d lines in the moved file, want 2", got)
	}
	if got := lines(t, content(t, path)); len(got) != 1 || got[0]["msg"] != "third" {
		t.Errorf("%v in the new file, want the third line", got)
	}
}

func TestLogs_ReopenDoesNotWaitForAStuckWrite(t *testing.T) {
	f, err := openFile(config.LogFile{Path: filepath.Join(t.TempDir(), "a.log")}, ownLog)
	if err != nil {
		t.Fatal(err)
	}
	first := f.f
	f.mu.Lock() // a write that is stuck
	if err := f.reopen(); err != nil {
		t.Fatal(err)
	}
	f.mu.Unlock()
	if _, err := f.Write([]byte("a\n")); err != nil {
		t.Fatal(err)
	}
	if f.f == first {
		t.Error("the file was not opened anew after the stuck write")
	}
	f.mu.Lock()
	f.close()
	f.mu.Unlock()
	if _, err := f.Write([]byte("a\n")); err == nil || f.f != nil {
		t.Error("the file was not closed after the stuck write")
	}
}

func TestLogs_ApplyChangesFiles(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log"), filepath.Join(dir, "c.log")
	files := func(paths ...string) config.Logging {
		var cfg config.Logging
		for _, p := range paths {
			cfg.Files = append(cfg.Files, config.LogFile{Path: p})
		}
		return cfg
	}
	l, err := New(files(a, b), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	say := func(msg string) {
		l.Logger("x").Info(msg, zap.Int("n", 1))
		l.Sync()
	}
	say("1")
	if err := l.Apply(files(b, c)); err != nil {
		t.Fatal(err)
	}
	say("2")
	if err := l.Apply(files(c, filepath.Join(a, "no-folder", "x.log"))); err == nil {
		t.Error("a file in a file was opened")
	}
	say("3")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{a: 1, b: 3, c: 2} {
		if got := len(lines(t, content(t, path))); got != want {
			t.Errorf("%s has %d lines, want %d", filepath.Base(path), got, want)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
