package filewatch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMatch_PatternsOfPaths(t *testing.T) {
	f := func(pattern, name string, want bool) {
		t.Helper()
		if got := Match(pattern, name); got != want {
			t.Errorf("%s matches %s: %v", pattern, name, got)
		}
	}
	f("*.js", "a.js", true)
	f("*.js", "src/a.js", false)
	f("src/*.js", "src/a.js", true)
	f("**/*.js", "a.js", true)
	f("**/*.js", "src/lib/a.js", true)
	f("src/**", "src/lib/a.js", true)
	f("src/**", "lib/a.js", false)
	f("src/**/test/*.js", "src/test/a.js", true)
	f("src/**/test/*.js", "src/a/b/test/a.js", true)
	f("**", "a", true)
	f("[", "[", false)
	if Check("src/**/*.[jt]s") != nil || Check("src/[") == nil {
		t.Error("Check does not know a pattern")
	}
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

type scene struct {
	t    *testing.T
	dir  string
	told chan string
	w    *Watcher
}

func newScene(t *testing.T, patterns ...string) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), told: make(chan string, 100)}
	for _, dir := range []string{"src/lib", "node_modules/x", ".git"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.w = New(func(path string) { s.told <- path })
	if err := s.w.Set(s.dir, patterns); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return s
}

func (s *scene) write(names ...string) {
	s.t.Helper()
	for _, name := range names {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// tells waits for a change below a name, which must be the next one told of.
func (s *scene) tells(name string) {
	s.t.Helper()
	select {
	case got := <-s.told:
		if !strings.HasPrefix(got, filepath.Join(s.dir, name)) {
			s.t.Errorf("told of %s, want %s", got, name)
		}
	case <-time.After(patience):
		s.t.Fatalf("never told of %s", name)
	}
}

func TestWatcher_TellsOfWhatMatchesOnce(t *testing.T) {
	s := newScene(t, "**/*.js", "*.env")
	s.write("a.txt", "node_modules/x/i.js", ".git/c.js", "src/x.env")
	s.write("src/a.js", "src/lib/b.js", "src/lib/b.js", "src/a.js")
	s.tells("src/")
	s.write("my.env")
	s.tells("my.env") // and not of anything before once more
	s.write("src/new/deep/c.js")
	s.tells("src/new")
	s.write("src/new/deep/d.js")
	s.tells("src/new/deep/d.js")
	if err := os.Remove(filepath.Join(s.dir, "src/a.js")); err != nil {
		t.Fatal(err)
	}
	s.tells("src/a.js")
	// As editors save: another file takes its place.
	s.write("tmp~")
	if err := os.Rename(filepath.Join(s.dir, "tmp~"), filepath.Join(s.dir, "src/lib/b.js")); err != nil {
		t.Fatal(err)
	}
	s.tells("src/lib/b.js")
}

func TestWatcher_ChangesWithoutEndAreToldOfAllTheSame(t *testing.T) {
	s := newScene(t, "*.log")
	stop := time.After(patience)
	for begun := time.Now(); ; {
		s.write("a.log")
		select {
		case <-s.told:
			if took := time.Since(begun); took < quiet {
				t.Errorf("told of after %s", took)
			}
			return
		case <-stop:
			t.Fatal("never told of")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestWatcher_SetChangesWhatIsWatched(t *testing.T) {
	s := newScene(t)
	s.write("a.js")
	if err := s.w.Set(s.dir, []string{"node_modules/**/*.js"}); err != nil {
		t.Fatal(err)
	}
	s.write("b.js", "node_modules/x/named.js")
	s.tells("node_modules/x/named.js")
	if err := s.w.Set(filepath.Join(s.dir, "src"), []string{"*.py"}); err != nil {
		t.Fatal(err)
	}
	s.write("node_modules/x/named.js", "src/a.py")
	s.tells("src/a.py")
	if err := s.w.Set(filepath.Join(s.dir, "none"), []string{"*"}); err == nil {
		t.Error("a folder that there is not is watched")
	}
	s.write("src/b.py") // a Set that failed changes nothing
	s.tells("src/b.py")
}
