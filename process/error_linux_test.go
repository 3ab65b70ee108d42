package process_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

func TestStartError_NamesTheRemedy(t *testing.T) {
	s := newSpawner(t, process.Options{})
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	writeProgram(t, in("good"), "#!/bin/sh\nexit 0\n")
	writeProgram(t, in("no-interpreter"), "#!/usr/bin/pyhton3\n")
	writeProgram(t, in("windows"), "#!/bin/sh\r\nexit 0\r\n")
	writeProgram(t, in("nothing-named"), "#!\nexit 0\n")
	writeProgram(t, in("env"), "#!/usr/bin/env nodee\n")
	writeProgram(t, in("empty"), "")
	writeProgram(t, in("text"), "just text\n")
	writeProgram(t, in("cut"), "\x7fELF\x02\x01\x01")
	writeProgram(t, in("loader"), withLoader(t, "/lib/ld-none.so.1"))
	writeProgram(t, in("foreign"), forMachine(t, 243)) // RISC-V
	write(t, in("plain"), "#!/bin/sh\n")
	if err := os.Mkdir(in("folder"), 0o755); err != nil {
		t.Fatal(err)
	}

	f := func(spec process.Spec, op string, errno syscall.Errno, parts ...string) {
		t.Helper()
		if spec.Env == nil {
			spec.Env = []string{"PATH=/usr/bin:/bin"}
		}
		try := func(by string, err error) {
			t.Helper()
			var e *process.StartError
			if !errors.As(err, &e) {
				t.Errorf("%s: %v is no StartError", by, err)
				return
			}
			if e.Op != op || !errors.Is(err, errno) {
				t.Errorf("%s: %s %v, want %s %v (%v)", by, e.Op, e.Err, op, errno, err)
			}
			for _, part := range parts {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %q does not say %q", by, err, part)
				}
			}
		}
		_, err := s.Start(spec)
		if !strings.Contains(strings.Join(parts, ""), "nodee is not found in PATH") { // env finds that out later
			try("Start", err)
		}
		if errno != syscall.E2BIG {
			try("Check", spec.Check())
		}
	}
	cmd := func(argv ...string) process.Spec { return process.Spec{Argv: argv} }
	f(cmd("nodee"), "lookup", syscall.ENOENT, `start "nodee": not found in PATH (/usr/bin:/bin); install it or give the full path`)
	f(process.Spec{Argv: []string{"sh"}, Env: []string{"A=1", "PATH=" + dir}}, "lookup", syscall.ENOENT, "not found in PATH ("+dir+")")
	f(process.Spec{Argv: []string{"plain"}, Env: []string{"PATH=" + dir}}, "lookup", syscall.EACCES, "chmod +x "+in("plain"))
	f(cmd(in("plain")), "lookup", syscall.EACCES, "not executable; chmod +x "+in("plain"))
	f(cmd(in("missing")), "lookup", syscall.ENOENT, "no such file")
	f(cmd(in("folder")), "lookup", syscall.EISDIR, "is a folder")
	f(cmd(in("plain/x")), "lookup", syscall.ENOTDIR, "not a folder")
	f(cmd(), "lookup", syscall.EINVAL, "name a program")
	f(cmd(""), "lookup", syscall.EINVAL, "name a program")
	f(cmd("/bin/sh", "a\x00b"), "lookup", syscall.EINVAL, "zero byte")
	f(process.Spec{Argv: []string{"/bin/sh"}, Dir: in("missing")}, "chdir", syscall.ENOENT, `start in folder "`+in("missing"), "create it")
	f(process.Spec{Argv: []string{"/bin/sh"}, Dir: in("good")}, "chdir", syscall.ENOTDIR, "not a folder")
	f(cmd(in("no-interpreter")), "exec", syscall.ENOENT, "interpreter /usr/bin/pyhton3 does not exist", "first line")
	f(cmd(in("windows")), "exec", syscall.ENOENT, "Windows line ends")
	f(cmd(in("nothing-named")), "exec", syscall.ENOEXEC, "names no interpreter")
	f(cmd(in("env")), "exec", syscall.ENOENT, "nodee is not found in PATH")
	f(cmd(in("empty")), "exec", syscall.ENOEXEC, "empty")
	f(cmd(in("text")), "exec", syscall.ENOEXEC, "#!/bin/sh")
	f(cmd(in("cut")), "exec", syscall.ENOEXEC, "damaged")
	f(cmd(in("loader")), "exec", syscall.ENOENT, "/lib/ld-none.so.1 does not exist", "C library")
	f(cmd(in("foreign")), "exec", syscall.ENOEXEC, "another processor")
	f(process.Spec{Argv: []string{"/bin/true", strings.Repeat("x", 3<<20)}}, "exec", syscall.E2BIG, "too large")

	if err := cmd(in("good")).Check(); err != nil {
		t.Error(err)
	}
	if err := (process.Spec{Argv: []string{"./good"}, Dir: dir}).Check(); err != nil {
		t.Error(err)
	}
	if err := cmd("sh").Check(); err != nil { // no PATH at all: the usual places
		t.Error(err)
	}
}

// withLoader returns this machine's /bin/sh with another loader written into it.
func withLoader(t *testing.T, loader string) string {
	t.Helper()
	text, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1"} {
		if i := strings.Index(string(text), old+"\x00"); i > 0 {
			copy(text[i:], loader+strings.Repeat("\x00", len(old)-len(loader)))
			return string(text)
		}
	}
	workertest.Lack(t, "/bin/sh has no loader known to this test")
	return ""
}

// forMachine returns this test's own kind of program for another processor.
func forMachine(t *testing.T, machine uint16) string {
	t.Helper()
	text, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(text[18:], machine)
	return string(text)
}
