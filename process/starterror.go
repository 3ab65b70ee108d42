package process

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// StartError says which step of a start failed. Its text names the program and the remedy.
type StartError struct {
	Op     string // lookup, chdir, bound, exec or fork
	Path   string // the program, or the folder for chdir
	Err    error  // mostly a syscall.Errno
	remedy string // what is wrong in words, and what to do
}

// Error names the program, what is wrong and what to do about it.
func (e *StartError) Error() string {
	what := "start"
	if e.Path != "" {
		what = fmt.Sprintf("start %q", e.Path)
	}
	if e.Op == "chdir" {
		what = fmt.Sprintf("start in folder %q", e.Path)
	}
	if e.remedy != "" {
		return what + ": " + e.remedy
	}
	return fmt.Sprintf("%s: %s: %v", what, e.Op, e.Err)
}

// Unwrap returns the system's error.
func (e *StartError) Unwrap() error { return e.Err }

func notFoundError(name, path string) error {
	return &StartError{Op: "lookup", Path: name, Err: syscall.ENOENT,
		remedy: fmt.Sprintf("not found in PATH (%s); install it or give the full path", path)}
}

func lookupError(path string, errno syscall.Errno) error {
	e := &StartError{Op: "lookup", Path: path, Err: errno}
	switch errno {
	case syscall.ENOENT:
		e.remedy = "no such file; correct the path (a relative one starts at the pool's directory)"
	case syscall.EACCES:
		e.remedy = "not executable; chmod +x " + path
	case syscall.EISDIR:
		e.remedy = "is a folder; name the program in it"
	case syscall.ENOTDIR:
		e.remedy = "a part of the path is not a folder; correct the path"
	}
	return e
}

func chdirError(dir string, errno syscall.Errno) error {
	e := &StartError{Op: "chdir", Path: dir, Err: errno}
	switch errno {
	case syscall.ENOENT:
		e.remedy = "no such folder; create it or correct the path"
	case syscall.ENOTDIR:
		e.remedy = "not a folder; correct the path"
	case syscall.EACCES:
		e.remedy = "permission denied; let drover's user enter it (chmod +x)"
	}
	return e
}

func forkError(path string, err error) error {
	e := &StartError{Op: "fork", Path: path, Err: err}
	switch errnoOf(err) {
	case syscall.EAGAIN:
		e.remedy = "no more processes are allowed; raise the limit (ulimit -u, pids.max of the cgroup) or run fewer workers"
	case syscall.ENOMEM:
		e.remedy = "the system is out of memory; run fewer workers"
	case syscall.EMFILE:
		e.remedy = "drover has too many open files; raise its limit (ulimit -n)"
	case syscall.ENFILE:
		e.remedy = "the system has too many open files; raise fs.file-max"
	}
	return e
}

// boundError is for a bound that the shim could not set.
func boundError(path, what string, errno syscall.Errno) error {
	e := &StartError{Op: "bound", Path: path, Err: errno, remedy: fmt.Sprintf("%s cannot be set: %v", what, errno)}
	if errno == syscall.ENOENT && strings.HasPrefix(what, "sandbox ") {
		e.remedy = strings.TrimPrefix(what, "sandbox ") + " does not exist, which security.readOnlyPaths or writablePaths name; make it, or remove it there"
	}
	if errno == syscall.EPERM {
		e.remedy += "; let drover run as root, or remove it"
	}
	return e
}

// errnoOf digs the system's error number out of err; EIO when there is none.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return syscall.EIO
}
