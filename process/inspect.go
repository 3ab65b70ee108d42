package process

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// inspect looks into a file that may be executed for what would make execve fail, or the
// interpreter end at once: a #! line or loader that names nothing, a foreign architecture.
func (s Spec) inspect(path string) error {
	f, err := os.Open(s.inDir(path))
	if err != nil {
		return nil // executable but not readable: only execve can tell
	}
	defer f.Close()
	head := make([]byte, 256) // the kernel reads as much of a #! line
	n, err := io.ReadFull(f, head)
	if n == 0 && err != nil {
		return execError(path, syscall.ENOEXEC, "the file is empty; was it built or copied completely?")
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return s.inspectScript(path, head)
	case runtime.GOOS == "linux" && bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return s.inspectBinary(path, f)
	case runtime.GOOS == "linux" && !foreignFormats():
		return execError(path, syscall.ENOEXEC,
			"neither a program for this system nor a script; a script needs a first line such as #!/bin/sh")
	}
	return nil
}

func (s Spec) inspectScript(path string, head []byte) error {
	line, _, _ := bytes.Cut(head[2:], []byte("\n"))
	if bytes.HasSuffix(line, []byte("\r")) {
		return execError(path, syscall.ENOENT,
			"its first line ends in a carriage return (Windows line ends); convert it, for example with dos2unix")
	}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return execError(path, syscall.ENOEXEC, "its first line (#!) names no interpreter; write for example #!/bin/sh")
	}
	interpreter := words[0]
	if _, err := os.Stat(s.inDir(interpreter)); err != nil {
		return execError(path, errnoOf(err), fmt.Sprintf(
			"its interpreter %s does not exist; install it or correct the first line of the script", interpreter))
	}
	if err := s.executable(interpreter); err != nil {
		return execError(path, errnoOf(err), fmt.Sprintf("its interpreter %s is not executable; chmod +x it", interpreter))
	}
	// #!/usr/bin/env NAME would start, and end with status 127.
	if filepath.Base(interpreter) == "env" && len(words) == 2 && !strings.ContainsAny(words[1], "-=/") {
		if _, err := s.inPath(words[1]); err != nil {
			return execError(path, errnoOf(err), fmt.Sprintf(
				"its interpreter %s is not found in PATH; install it or correct the first line of the script", words[1]))
		}
	}
	return nil
}

func (s Spec) inspectBinary(path string, r io.ReaderAt) error {
	f, err := elf.NewFile(r)
	if err != nil {
		return execError(path, syscall.ENOEXEC, "damaged or cut off; build or copy it again")
	}
	defer f.Close()
	if !runsHere(f.Machine) && !foreignFormats() {
		return execError(path, syscall.ENOEXEC, fmt.Sprintf(
			"built for another processor (%s, this is %s); build it for this one", f.Machine, runtime.GOARCH))
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		name := string(bytes.TrimRight(loader, "\x00"))
		if err != nil || name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return execError(path, errnoOf(err), fmt.Sprintf(
				"its loader %s does not exist, so it was built for another C library; link it statically or install that library", name))
		}
	}
	return nil
}

// runsHere reports whether this processor may run programs of that architecture. What is not known
// is left to execve.
func runsHere(m elf.Machine) bool {
	switch runtime.GOARCH {
	case "amd64":
		return m == elf.EM_X86_64 || m == elf.EM_386
	case "arm64":
		return m == elf.EM_AARCH64 || m == elf.EM_ARM
	}
	return true
}

// foreignFormats reports whether the kernel was told of further formats (binfmt_misc), such as
// another architecture by emulation, so that nothing can be said about them here.
func foreignFormats() bool {
	entries, err := os.ReadDir("/proc/sys/fs/binfmt_misc")
	return err == nil && len(entries) > 2 // "register" and "status" are always there
}

func execError(path string, errno syscall.Errno, remedy string) error {
	return &StartError{Op: "exec", Path: path, Err: errno, remedy: remedy}
}

// execFailed makes the error of an execve that was tried and failed.
func (s Spec) execFailed(path string, errno syscall.Errno) error {
	switch errno {
	case syscall.E2BIG:
		size := 0
		for _, part := range [][]string{s.Argv, s.Env} {
			for _, text := range part {
				size += len(text) + 1
			}
		}
		return execError(path, errno, fmt.Sprintf(
			"arguments and environment are too large for the system (%d bytes in all, 128 KiB for one); make them smaller", size))
	case syscall.ETXTBSY:
		return execError(path, errno, "the file is being written; wait until it is copied or built, or replace it by renaming")
	}
	if err := s.executable(path); err != nil {
		return err // it changed since it was looked up
	}
	if err := s.inspect(path); err != nil {
		return err
	}
	e := &StartError{Op: "exec", Path: path, Err: errno}
	switch refused := errno == syscall.EACCES || errno == syscall.EPERM; {
	case refused && s.Bounds.Sandbox != nil:
		e.remedy = "the sandbox, or the system, refuses to execute it; name what it needs in security.readOnlyPaths: its folder, those of its interpreter and libraries"
	case refused && s.Bounds.Account != nil:
		e.remedy = "the user that it is to run as may not execute it; let that user read and execute it and enter the folders above it"
	case refused:
		e.remedy = "the system refuses to execute it; is the file system mounted with noexec, or a security module in the way?"
	}
	return e
}
