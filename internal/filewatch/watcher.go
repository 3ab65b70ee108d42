package filewatch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// An editor, a compiler or a checkout changes many files one after another:
// changes are told of when there was none for quiet, at the latest after longest.
const (
	quiet   = 200 * time.Millisecond
	longest = 2 * time.Second
)

// Watcher watches the files of one folder. Its methods may be called concurrently.
type Watcher struct {
	changed func(path string)
	fresh   chan struct{} // there is another watch

	mu    sync.Mutex
	watch *watch // nil: nothing is watched
}

// New returns a watcher that tells changed, from Run's goroutine, of one of the
// files that have changed.
func New(changed func(path string)) *Watcher {
	return &Watcher{changed: changed, fresh: make(chan struct{}, 1)}
}

// Set watches the files below dir that match one of the patterns, in place of
// those before; without patterns it watches nothing. Folders may come later.
func (w *Watcher) Set(dir string, patterns []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watch.same(dir, patterns) {
		return nil
	}
	next, err := newWatch(dir, patterns)
	if err != nil {
		return err
	}
	old := w.watch
	w.watch = next
	select {
	case w.fresh <- struct{}{}:
	default:
	}
	return old.close()
}

// Run tells of changes until ctx is done.
func (w *Watcher) Run(ctx context.Context) error {
	timer := time.NewTimer(longest)
	timer.Stop()
	var changed string
	var since time.Time // of the first change that was not told of; zero: none
	for {
		w.mu.Lock()
		watch := w.watch
		w.mu.Unlock()
		events, faults := watch.channels()
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), w.Set("", nil))
		case <-w.fresh:
		case e, ok := <-events:
			if !ok || !watch.take(e) {
				continue
			}
			if since.IsZero() {
				since = time.Now()
			}
			changed = e.Name
			timer.Reset(min(quiet, time.Until(since.Add(longest))))
		case _, ok := <-faults:
			if ok { // changes were missed: more came than the kernel keeps
				timer.Reset(quiet)
				changed = watch.dir
			}
		case <-timer.C:
			since = time.Time{}
			w.changed(changed)
		}
	}
}

// watch is what is watched at one time.
type watch struct {
	dir      string
	patterns []string
	notify   *fsnotify.Watcher
}

func newWatch(dir string, patterns []string) (*watch, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	w := &watch{dir: filepath.Clean(dir), patterns: patterns, notify: notify}
	if err := w.descend(w.dir); err != nil {
		return nil, errors.Join(err, notify.Close())
	}
	return w, nil
}

func (w *watch) same(dir string, patterns []string) bool {
	if w == nil {
		return len(patterns) == 0
	}
	return w.dir == filepath.Clean(dir) && slices.Equal(w.patterns, patterns)
}

func (w *watch) close() error {
	if w == nil {
		return nil
	}
	return w.notify.Close()
}

func (w *watch) channels() (<-chan fsnotify.Event, <-chan error) {
	if w == nil {
		return nil, nil
	}
	return w.notify.Events, w.notify.Errors
}

// take reports whether an event is of a file that matches. Folders that are new
// are watched from then on.
func (w *watch) take(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	if e.Has(fsnotify.Create) {
		if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
			_ = w.descend(e.Name) // it may be gone again
			return w.holds(e.Name)
		}
	}
	return w.matches(e.Name)
}

// descend watches a folder and those below it in which something may match.
func (w *watch) descend(folder string) error {
	return filepath.WalkDir(folder, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && at != w.dir: // gone, or not ours to read
			return nil
		case err != nil:
			return fmt.Errorf("watch %s: %w", at, err)
		case !entry.IsDir():
			return nil
		case !w.wanted(w.relative(at)):
			return fs.SkipDir
		}
		if err := w.notify.Add(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("watch %s: %w (see fs.inotify.max_user_watches)", at, err)
		}
		return nil
	})
}

// wanted reports whether something in a folder may match.
func (w *watch) wanted(folder string) bool {
	if folder == "." {
		return true
	}
	return slices.ContainsFunc(w.patterns, func(pattern string) bool {
		below := base(pattern)
		if below == folder || strings.HasPrefix(below, folder+"/") {
			return true // on the way to it, or named by it
		}
		rest := folder
		if below != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(folder, below+"/"); !ok {
				return false
			}
		}
		return !slices.ContainsFunc(strings.Split(rest, "/"), skipped) && (strings.Contains(pattern, "**") || strings.Count(pattern, "/") > strings.Count(folder, "/"))
	})
}

// holds reports whether a new folder came with files that match: they raise no
// events of their own.
func (w *watch) holds(folder string) bool {
	found := false
	_ = filepath.WalkDir(folder, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && !w.wanted(w.relative(at)) {
			return fs.SkipDir
		}
		if !entry.IsDir() && w.matches(at) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

func (w *watch) matches(file string) bool {
	name := w.relative(file)
	if folder := path.Dir(name); !w.wanted(folder) {
		return false
	}
	return slices.ContainsFunc(w.patterns, func(pattern string) bool { return Match(path.Clean(pattern), name) })
}

func (w *watch) relative(at string) string {
	rel, err := filepath.Rel(w.dir, at)
	if err != nil {
		return at
	}
	return filepath.ToSlash(rel)
}
