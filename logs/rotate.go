package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// rotated is how the time of a rotation is written into a file's name; names
// sort by time.
const rotated = "2006-01-02T15-04-05.000"

// rotateLocked moves the file out of the way, opens a new one and removes the
// old ones that are too many or too old. It does nothing, and returns false, as
// long as another drover writes.
func (f *file) rotateLocked() (rotated bool, err error) {
	if f.away.known { // what has the name now is not ours to move
		f.closeLocked()
		return true, f.openLocked()
	}
	if !f.lockLocked(exclusive) {
		return false, nil
	}
	if f.rotatedByFellowLocked() { // while nobody held the lock
		f.closeLocked()
		return true, nil
	}
	old := f.f
	defer func() { _ = old.Close() }() // every write was checked; with it the lock goes
	f.f = nil
	now := time.Now().UTC().Truncate(time.Millisecond)
	if before := f.rotatedFiles(); len(before) > 0 && !now.After(before[len(before)-1].at) {
		// Two rotations within a millisecond, or a clock that was set back: names keep their order.
		now = before[len(before)-1].at.Add(time.Millisecond)
	}
	if err := os.Rename(f.path, f.rotatedName(now)); err != nil && !os.IsNotExist(err) {
		return true, fmt.Errorf("rotate log file: %w", err)
	}
	if err := f.openLocked(); err != nil {
		return true, err
	}
	f.prune(now)
	return true, nil
}

func (f *file) rotatedName(t time.Time) string {
	ext := filepath.Ext(f.path)
	return strings.TrimSuffix(f.path, ext) + "-" + t.Format(rotated) + ext
}

// prune removes rotated files beyond the limits. A file that cannot be removed
// is tried again at the next rotation.
func (f *file) prune(now time.Time) {
	l := f.limits.Load()
	old := f.rotatedFiles()
	for i, r := range old {
		tooMany := len(old)-i > l.maxFiles
		tooOld := l.maxAge > 0 && now.Sub(r.at) > l.maxAge
		if tooMany || tooOld {
			_ = os.Remove(r.path) // tried again at the next rotation
		}
	}
}

type rotatedFile struct {
	path string
	at   time.Time
}

// rotatedFiles returns the rotated files, oldest first.
func (f *file) rotatedFiles() []rotatedFile {
	dir, ext := filepath.Dir(f.path), filepath.Ext(f.path)
	prefix := strings.TrimSuffix(filepath.Base(f.path), ext) + "-"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var files []rotatedFile
	for _, e := range entries {
		middle, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok {
			continue
		}
		if middle, ok = strings.CutSuffix(middle, ext); !ok {
			continue
		}
		if at, err := time.Parse(rotated, middle); err == nil {
			files = append(files, rotatedFile{filepath.Join(dir, e.Name()), at})
		}
	}
	slices.SortFunc(files, func(a, b rotatedFile) int { return a.at.Compare(b.at) })
	return files
}
