package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// defaultPath is searched when the environment has no PATH, as most shells do.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookup finds Argv[0] as execvp in the folder Dir would.
func (s Spec) lookup() (string, error) {
	name := s.Argv[0]
	if strings.Contains(name, "/") {
		return name, s.executable(name)
	}
	return s.inPath(name)
}

func (s Spec) inPath(name string) (string, error) {
	path, ok := s.getenv("PATH")
	if !ok {
		path = defaultPath
	}
	var denied error
	for _, dir := range strings.Split(path, ":") {
		// An empty element is the current folder. A joined path needs its "./", or the kernel's
		// error and ours would speak of different files.
		candidate := dir + "/" + name
		if dir == "" {
			candidate = "./" + name
		}
		err := s.executable(candidate)
		if err == nil {
			return candidate, nil
		}
		if errno := errnoOf(err); denied == nil && errno != syscall.ENOENT && errno != syscall.ENOTDIR {
			denied = err
		}
	}
	if denied != nil { // as execvp: something is there, but cannot be run
		return "", denied
	}
	return "", notFoundError(name, path)
}

// executable tells why the file cannot be executed, by its permissions alone.
func (s Spec) executable(path string) error {
	full := s.inDir(path)
	info, err := os.Stat(full)
	if errors.Is(err, syscall.EACCES) {
		return &StartError{Op: "lookup", Path: path, Err: syscall.EACCES,
			remedy: "permission denied for a folder of its path; let drover's user enter it (chmod +x)"}
	}
	if err != nil {
		return lookupError(path, errnoOf(err))
	}
	if info.IsDir() {
		return lookupError(path, syscall.EISDIR)
	}
	if info.Mode()&fs.ModeType != 0 || unix.Faccessat(unix.AT_FDCWD, full, unix.X_OK, unix.AT_EACCESS) != nil {
		return lookupError(path, syscall.EACCES)
	}
	return nil
}

// inDir returns the path as this process can open it.
func (s Spec) inDir(path string) string {
	if filepath.IsAbs(path) || s.Dir == "" {
		return path
	}
	return filepath.Join(s.Dir, path)
}
