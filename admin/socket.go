package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/internal/privatedir"
)

const (
	socketName = "admin.sock"
	// maxSocketPath is what fits into a socket address on Linux; elsewhere it is a little less.
	maxSocketPath = 107
)

// SocketFolders returns the folders in which `admin.socket: auto` looks for a
// place, in that order; clients look in the same.
func SocketFolders(getenv func(string) string) []string {
	var folders []string
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		folders = append(folders, filepath.Join(dir, "drover"))
	}
	return append(folders, "/run/drover", filepath.Join(os.TempDir(), fmt.Sprintf("drover-%d", os.Geteuid())))
}

// LiveSockets returns the sockets in the folders at which somebody listens: the
// first folder that has any decides. A folder that others could have made is passed over.
func LiveSockets(folders []string) []string {
	for _, dir := range folders {
		if privatedir.Check(dir) != nil {
			continue
		}
		var live []string
		for _, pattern := range []string{socketName, "admin-*.sock"} {
			paths, _ := filepath.Glob(filepath.Join(escape(dir), pattern)) // the pattern is well-formed
			for _, path := range paths {
				if answers(path) {
					live = append(live, path)
				}
			}
		}
		if len(live) > 0 {
			return live
		}
	}
	return nil
}

func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// socket is the Unix socket of the API.
type socket struct {
	net.Listener
	path string
	info fs.FileInfo // of the file that we made
}

// errInUse says that somebody listens at the socket already.
var errInUse = errors.New("another program listens there, perhaps another drover")

// openSocket opens the socket that the setting asks for: a path, auto for one in
// the first folder that can be used, or none at all.
func openSocket(setting string, folders []string, log *zap.Logger) (*socket, error) {
	switch setting {
	case "":
		return nil, nil
	case "auto":
		return autoSocket(folders, log)
	}
	path := strings.TrimPrefix(setting, "unix:")
	s, err := bind(path)
	if err != nil {
		return nil, fmt.Errorf("admin.socket: listen on %s: %w; choose another path, or auto", path, err)
	}
	return s, nil
}

// autoSocket takes admin.sock in the first usable folder. Where another drover
// of the same user listens there, this one takes admin-PID.sock beside it.
func autoSocket(folders []string, log *zap.Logger) (*socket, error) {
	var errs []error
	for _, dir := range folders {
		if err := privatedir.Make(dir); err != nil {
			errs = append(errs, err)
			continue
		}
		s, err := bind(filepath.Join(dir, socketName))
		if errors.Is(err, errInUse) {
			path := filepath.Join(dir, fmt.Sprintf("admin-%d.sock", os.Getpid()))
			if s, err = bind(path); err == nil {
				log.Warn("another drover has the usual admin socket; name this one to drover's commands with --admin",
					zap.String("socket", "unix:"+path))
			}
		}
		if err == nil {
			return s, nil
		}
		errs = append(errs, fmt.Errorf("listen in %s: %w", dir, err))
	}
	return nil, fmt.Errorf("admin.socket: auto found no place: %w; name a path in admin.socket, or leave it empty for none", errors.Join(errs...))
}

// bind listens at path. A socket that a drover left behind is replaced, anything
// else that is there is not.
func bind(path string) (*socket, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path has %d bytes, a socket's may have %d", len(path), maxSocketPath)
	}
	unlock := lockFolder(filepath.Dir(path)) // two that start at once must not replace each other's
	defer unlock()
	if info, err := os.Lstat(path); err == nil {
		switch {
		case info.Mode()&fs.ModeSocket == 0:
			return nil, errors.New("a file that is not a socket is there")
		case answers(path):
			return nil, errInUse
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove the socket that was left behind: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // remove does, when it is still ours
	s := &socket{Listener: l, path: path}
	if err = os.Chmod(path, 0o600); err == nil {
		s.info, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

// remove removes the socket's file unless another took its place.
func (s *socket) remove() {
	if now, err := os.Lstat(s.path); err == nil && s.info != nil && os.SameFile(now, s.info) {
		_ = os.Remove(s.path) // the next drover replaces it
	}
}

// answers reports whether somebody listens at the path. When that cannot be
// found out, somebody might.
func answers(path string) bool {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist)
	}
	_ = c.Close() // nothing was sent
	return true
}

// lockFolder takes the lock of a folder for a moment. It is advisory: where it
// cannot be had within a second, things go on without.
func lockFolder(dir string) (unlock func()) {
	f, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	unlock = func() { _ = f.Close() } // closing gives the lock back
	for range 100 {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return unlock
}
