package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drover-proxy/drover/config"
)

const (
	defaultMaxSize  = 100 << 20
	defaultMaxFiles = 5
)

// file is a log file that is rotated when it grows too large. Old files are
// renamed with the time of the rotation and removed by age and number, so that
// logs take at most maxSize × (maxFiles + 1) bytes. Another drover may write to
// the same file, as during an upgrade: see fellow.go.
type file struct {
	path   string
	use    fileUse
	limits atomic.Pointer[limits]
	action atomic.Int32 // what the holder of mu is asked to do by one who did not want to wait for it

	mu   sync.Mutex
	f    *os.File    // nil after an error or close; opened again by the next write
	is   os.FileInfo // who f is
	size int64
	away away
	tear tear
	shut bool
}

// fileUse is what a file is for.
type fileUse struct {
	setting string      // where its path comes from, for messages
	mode    os.FileMode // of a file that is made
}

var ownLog = fileUse{setting: "logging.files", mode: 0o640}

type limits struct {
	maxSize  int64
	maxAge   time.Duration // 0: any
	maxFiles int
}

const (
	actNothing int32 = iota
	actReopen
	actClose
)

func newLimits(cfg config.LogFile) *limits {
	l := &limits{maxSize: int64(cfg.MaxSize), maxAge: cfg.MaxAge.Std(), maxFiles: cfg.MaxFiles}
	if l.maxSize <= 0 {
		l.maxSize = defaultMaxSize
	}
	if l.maxFiles <= 0 {
		l.maxFiles = defaultMaxFiles
	}
	return l
}

// openFile opens the file for appending and makes its folder when that is missing.
func openFile(cfg config.LogFile, use fileUse) (*file, error) {
	f := &file{path: cfg.Path, use: use}
	f.limits.Store(newLimits(cfg))
	f.mu.Lock()
	defer f.mu.Unlock()
	return f, f.openLocked()
}

// Write appends whole lines, rotating between two of them when it is time.
func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.actLocked()
	f.actLocked()
	written := 0
	for len(p) > 0 {
		n, err := f.writeLocked(p)
		written, p = written+n, p[n:]
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// writeLocked writes those lines that fit. It writes none when it had to open
// another file for them.
func (f *file) writeLocked(p []byte) (int, error) {
	if f.f == nil {
		if err := f.openLocked(); err != nil {
			return 0, err
		}
	}
	f.lockLocked(shared)
	defer f.unlockLocked()
	if f.rotatedByFellowLocked() {
		f.closeLocked()
		return 0, nil
	}
	part := f.fitting(p)
	if len(part) == 0 {
		rotated, err := f.rotateLocked()
		if rotated || err != nil {
			return 0, err
		}
		part = p // another time
	}
	n, err := f.tear.write(f.f, part)
	f.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write log file: %w", err)
	}
	return n, nil
}

// fitting returns the lines at the beginning of p that still fit into the file;
// an empty file takes at least one line.
func (f *file) fitting(p []byte) []byte {
	room := f.limits.Load().maxSize - f.size
	if int64(len(p)) <= room {
		return p
	}
	if room > 0 {
		if end := bytes.LastIndexByte(p[:room], '\n'); end >= 0 {
			return p[:end+1]
		}
	}
	if f.size > 0 {
		return nil
	}
	if end := bytes.IndexByte(p, '\n'); end >= 0 {
		return p[:end+1]
	}
	return p
}

func (f *file) openLocked() error {
	if f.shut {
		return os.ErrClosed
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
		return fmt.Errorf("make folder of log file: %w; make it, or choose another in %s", err, f.use.setting)
	}
	h, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, f.use.mode)
	if err != nil {
		return fmt.Errorf("open log file: %w; let the user that drover runs as write it, or choose another in %s", err, f.use.setting)
	}
	info, err := h.Stat()
	if err != nil {
		_ = h.Close() // nothing was written
		return fmt.Errorf("open log file: %w", err)
	}
	f.f, f.is, f.size, f.away, f.tear = h, info, info.Size(), away{}, tear{}
	return nil
}

func (f *file) closeLocked() {
	if f.f != nil {
		_ = f.f.Close() // every write was checked; there is nobody left to tell
		f.f = nil
	}
}

// reopen closes the file and opens it anew under its name, for a program that
// moved it. While a write is stuck it does not wait: the reopening follows that write.
func (f *file) reopen() error {
	if !f.mu.TryLock() {
		f.action.CompareAndSwap(actNothing, actReopen)
		return nil
	}
	defer f.mu.Unlock()
	f.closeLocked()
	return f.openLocked()
}

// close ends the use of the file, at once or after the write that is going on.
func (f *file) close() {
	f.action.Store(actClose)
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		f.actLocked()
	}
}

func (f *file) actLocked() {
	switch f.action.Load() {
	case actReopen:
		f.action.CompareAndSwap(actReopen, actNothing)
		f.closeLocked()
	case actClose:
		f.closeLocked()
		f.shut = true
	}
}
