package logs

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Two drovers write to the same files while one takes over from the other, and
// either may rotate them. Who writes holds a shared lock on the file, and looks
// under it whether the file has been rotated; who rotates holds an exclusive one.
// So nobody writes to a file that was rotated, and may be removed, and nobody
// rotates what has just been rotated.

const (
	shared    = unix.LOCK_SH
	exclusive = unix.LOCK_EX
)

// A lock is held for some microseconds. One that takes longer is that of a drover
// which is stopped, or whose disk is stuck, and it is not waited for.
const (
	lockTries = 50
	lockEvery = time.Millisecond
)

// away is what has the name of a file that another program has moved: nothing is
// done about it until drover is told to reopen.
type away struct {
	known bool
	is    os.FileInfo // nil: nothing has it
}

// lockLocked reports whether it got the lock; it does so too where the file system has none.
func (f *file) lockLocked(how int) bool {
	for range lockTries {
		switch err := unix.Flock(int(f.f.Fd()), how|unix.LOCK_NB); {
		case errors.Is(err, unix.EWOULDBLOCK):
			time.Sleep(lockEvery)
		case !errors.Is(err, unix.EINTR):
			return true
		}
	}
	return false
}

// unlockLocked gives the lock back; with a file that was closed it is gone.
func (f *file) unlockLocked() {
	if f.f != nil {
		_ = unix.Flock(int(f.f.Fd()), unix.LOCK_UN) // it cannot fail in a way that matters
	}
}

// rotatedByFellowLocked reports whether another drover has rotated the file, or
// somebody has removed it. Where it has not been moved, it learns how large it is by now.
func (f *file) rotatedByFellowLocked() bool {
	named, err := os.Stat(f.path)
	if err == nil && os.SameFile(named, f.is) {
		f.size = named.Size()
		return false
	}
	if err != nil {
		named = nil
	}
	if f.away.known && sameOrNone(f.away.is, named) {
		return false
	}
	if info, err := f.f.Stat(); err == nil && removed(info) {
		return true
	}
	if slices.ContainsFunc(f.rotatedFiles(), func(r rotatedFile) bool {
		info, err := os.Stat(r.path)
		return err == nil && os.SameFile(info, f.is)
	}) {
		return true
	}
	f.away = away{true, named}
	return false
}

func sameOrNone(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b)
}

// removed reports whether a file that is open has no name any more.
func removed(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}
