package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

var errIsFolder = errors.New("is a folder")

// checkExecutable finds out whether a program can be executed by a worker that
// runs in directory with the given PATH. It is the lookup of execvp: a name
// with a slash is a path, relative to the directory.
func checkExecutable(name, directory, path string) *valueError {
	if name == "" {
		return &valueError{"the program's name is empty", "write the program first: [PROGRAM, ARGUMENT]"}
	}
	if strings.Contains(name, "/") {
		return explain(name, directory, executable(from(directory, name)))
	}
	found := error(fs.ErrNotExist)
	for _, folder := range filepath.SplitList(path) {
		err := executable(filepath.Join(from(directory, folder), name))
		if err == nil {
			return nil
		}
		if errors.Is(err, fs.ErrPermission) {
			found = err
		}
	}
	if errors.Is(found, fs.ErrPermission) {
		return explain(name, directory, found)
	}
	remedy := "install it, correct the name, or write the path of the program"
	if executable(from(directory, name)) == nil {
		remedy = "write ./" + name + " for the one in " + quote(directory)
	} else if _, err := os.Stat(from(directory, name)); err == nil {
		remedy = "write the program that runs it first, such as node"
	}
	if strings.ContainsAny(name, " \t") {
		remedy = "write one item for each argument: [" + strings.Join(strings.Fields(name), ", ") + "]"
	}
	return &valueError{quote(name) + ": command not found in PATH", remedy}
}

func explain(name, directory string, err error) *valueError {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errIsFolder):
		return &valueError{quote(name) + " is a folder", "name a program"}
	case errors.Is(err, fs.ErrPermission):
		return &valueError{quote(name) + " is not executable", "chmod +x it, or write the program that runs it first, such as node"}
	case filepath.IsAbs(name):
		return &valueError{quote(name) + ": command not found", "correct the path"}
	}
	return &valueError{quote(name) + ": command not found in directory " + quote(directory), "correct the path, which is relative to the pool's directory"}
}

// from resolves a path as a process in directory would.
func from(directory, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(directory, path)
}

// executable returns nil when this user may execute the file. A file without
// any x bit is refused for root too, as the kernel does.
func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errIsFolder
	case info.Mode()&0o111 == 0:
		return fs.ErrPermission
	}
	return unix.Access(path, unix.X_OK)
}
