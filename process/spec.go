package process

import (
	"os"
	"strings"
	"syscall"
)

// Spec describes a program to start. It is not kept after Start returned.
type Spec struct {
	// ID is the worker id, for finding descendants that escaped: those whose environment has
	// DROVER_WORKER_ID=ID. Empty: they are found only if they were seen before they escaped.
	ID string
	// Argv is the command line. Argv[0] is looked up in the PATH of Env unless it has a slash.
	Argv []string
	// Dir is the folder the program starts in; empty: that of drover.
	Dir string
	// Env is the whole environment, NAME=VALUE each. Nothing is added to it.
	Env []string
	// Stdin, Stdout, Stderr; nil: /dev/null. The caller closes its copies after Start.
	Stdin, Stdout, Stderr *os.File
	// Files are inherited as descriptors 3, 4, … The program sees no other descriptor.
	Files []*os.File
	// Outlives says that the program may go on when drover ends, once it was let go (Process.LetGo).
	Outlives bool
	// Bounds are what it is held to.
	Bounds Bounds
}

// Check finds what would make Start fail (not found, not executable, folder missing) without
// starting anything. The error is a *StartError.
func (s Spec) Check() error {
	path, err := s.resolve()
	if err != nil {
		return err
	}
	return s.inspect(path)
}

// resolve checks the parts of a Spec and returns the path of the program: absolute, or relative to Dir.
func (s Spec) resolve() (string, error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return "", &StartError{Op: "lookup", Err: syscall.EINVAL, remedy: "the command is empty; name a program"}
	}
	for _, part := range [][]string{s.Argv, s.Env, {s.Dir}} {
		for _, text := range part {
			if strings.IndexByte(text, 0) >= 0 {
				return "", &StartError{Op: "lookup", Path: s.Argv[0], Err: syscall.EINVAL,
					remedy: "the command, folder or environment has a zero byte; remove it"}
			}
		}
	}
	if err := s.checkDir(); err != nil {
		return "", err
	}
	return s.lookup()
}

func (s Spec) checkDir() error {
	if s.Dir == "" {
		return nil
	}
	info, err := os.Stat(s.Dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return chdirError(s.Dir, errnoOf(err))
	}
	return nil
}

// getenv returns the value that the program would see; the last entry wins, as in most programs.
func (s Spec) getenv(name string) (string, bool) { return lookupEnv(s.Env, name) }

func lookupEnv(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if rest, ok := strings.CutPrefix(env[i], name); ok && strings.HasPrefix(rest, "=") {
			return rest[1:], true
		}
	}
	return "", false
}
