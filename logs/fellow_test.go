package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/config"
)

// fellows opens the same file for several drovers; locks are those of open files, so one process will do.
func fellows(t *testing.T, n int, cfg config.LogFile) []*file {
	t.Helper()
	all := make([]*file, n)
	for i := range all {
		f, err := openFile(cfg, ownLog)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		all[i] = f
	}
	return all
}

func TestFellows_WriteAndRotateTogetherAndLoseNoLine(t *testing.T) {
	const writers, each, size = 3, 4000, 4096
	cfg := config.LogFile{Path: filepath.Join(t.TempDir(), "a.log"), MaxSize: size, MaxFiles: 1000}
	var writing sync.WaitGroup
	for i, f := range fellows(t, writers, cfg) {
		writing.Go(func() {
			for n := range each {
				line := fmt.Appendf(nil, "writer %d line %05d\n", i, n)
				if got, err := f.Write(line); got != len(line) || err != nil {
					t.Errorf("wrote %d: %v", got, err)
					return
				}
			}
		})
	}
	writing.Wait()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(cfg.Path), "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	next := make([]int, writers)                   // in the order of the files
	slices.SortFunc(files, func(a, b string) int { // the one without a time is the newest
		if (a == cfg.Path) != (b == cfg.Path) {
			if a == cfg.Path {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	for _, name := range files {
		text := content(t, name)
		if name != cfg.Path && (len(text) < size/2 || len(text) > size+writers*len("writer 0 line 00000\n")) {
			t.Errorf("%s has %d bytes", filepath.Base(name), len(text))
		}
		for line := range strings.Lines(text) {
			var i, n int
			if got, err := fmt.Sscanf(line, "writer %d line %d\n", &i, &n); got != 2 || err != nil || i >= writers {
				t.Fatalf("%q: %v", line, err)
			}
			if n != next[i] {
				t.Fatalf("writer %d: line %d where %d was to come", i, n, next[i])
			}
			next[i]++
		}
	}
	for i, n := range next {
		if n != each {
			t.Errorf("writer %d: %d lines of %d", i, n, each)
		}
	}
}

func TestFellows_NobodyWritesToWhatWasRotatedAndRemoved(t *testing.T) {
	cfg := config.LogFile{Path: filepath.Join(t.TempDir(), "a.log"), MaxSize: 20, MaxFiles: 1}
	pair := fellows(t, 2, cfg)
	put := func(f *file, line string) {
		t.Helper()
		if n, err := f.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("wrote %d: %v", n, err)
		}
	}
	put(pair[1], "idle\n")
	for n := range 10 { // the file of the other is rotated, and removed
		put(pair[0], fmt.Sprintf("line %d of the first\n", n))
	}
	put(pair[1], "last\n")
	if got := content(t, cfg.Path); got != "last\n" {
		t.Errorf("%q", got)
	}
	if old := pair[0].rotatedFiles(); len(old) != 1 || content(t, old[0].path) != "line 9 of the first\n" {
		t.Errorf("rotated: %v", old)
	}
}

func TestFellows_NobodyWaitsForOneThatIsStopped(t *testing.T) {
	cfg := config.LogFile{Path: filepath.Join(t.TempDir(), "a.log"), MaxSize: 20, MaxFiles: 1}
	f := fellows(t, 1, cfg)[0]
	other, err := os.OpenFile(cfg.Path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if err := unix.Flock(int(other.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := f.Write([]byte("a line of some length\n")); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(content(t, cfg.Path), "\n"); got != 3 || len(f.rotatedFiles()) != 0 {
		t.Errorf("%d lines, rotated: %v", got, f.rotatedFiles())
	}
}
