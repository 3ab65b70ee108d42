package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func openLineFile(t *testing.T, cfg config.LogFile, lost func(uint64)) *LineFile {
	t.Helper()
	l, err := OpenLineFile(cfg, "ipc.audit.file", lost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func noneLost(t *testing.T) func(uint64) {
	return func(n uint64) { t.Errorf("%d lines were lost", n) }
}

func TestLineFile_KeepsLinesInOrderAndToItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "audit.log")
	l := openLineFile(t, config.LogFile{Path: path, MaxSize: 1000, MaxFiles: 3}, noneLost(t))
	var want strings.Builder
	for i := range 300 { // 9 bytes each: two rotations and more
		line := fmt.Sprintf("line %03d\n", i)
		want.WriteString(line)
		l.Put([]byte(line))
	}
	l.Close()
	got := ""
	for _, r := range l.file.rotatedFiles() {
		got += content(t, r.path)
		mode(t, r.path, 0o600)
	}
	if got += content(t, path); got != want.String() {
		t.Errorf("%d bytes in all files, want %d in order", len(got), want.Len())
	}
	mode(t, path, 0o600)
}

func mode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", path, got, want)
	}
}

func TestLineFile_ReopenFollowsAMove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLineFile(t, config.LogFile{Path: path}, noneLost(t))
	l.Put([]byte("first\n"))
	l.queue.flush()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	l.Put([]byte("second\n"))
	l.Close()
	if first, second := content(t, path+".1"), content(t, path); first != "first\n" || second != "second\n" {
		t.Errorf("the files hold %q and %q", first, second)
	}
	mode(t, path, 0o600)
}

func TestLineFile_AStuckDiskDelaysNobodyAndItsLossesAreTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	var told atomic.Uint64
	l := openLineFile(t, config.LogFile{Path: path}, func(n uint64) { told.Add(n) })
	line := append(bytes.Repeat([]byte("x"), 1<<20-1), '\n')
	const lines = 100
	l.file.mu.Lock() // a write that is stuck
	for range lines {
		l.Put(line)
	}
	dropped := l.Dropped()
	l.file.mu.Unlock()
	if most := uint64(lines - lineFileLimit>>20); dropped < most-8 || dropped > most {
		t.Errorf("%d of %d lines were dropped while %d MB had room", dropped, lines, lineFileLimit>>20)
	}
	l.Close()
	if got := told.Load(); got != dropped {
		t.Errorf("told of %d lost lines, want %d", got, dropped)
	}
	if got := strings.Count(content(t, path), "\n"); uint64(got) != lines-dropped {
		t.Errorf("%d lines are in the file, want the %d that were not dropped", got, lines-dropped)
	}
}

func TestOpenLineFile_NamesItsSetting(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenLineFile(config.LogFile{Path: filepath.Join(blocked, "a.log")}, "ipc.audit.file", noneLost(t))
	if err == nil || !strings.Contains(err.Error(), "choose another in ipc.audit.file") {
		t.Errorf("error is %v", err)
	}
}
