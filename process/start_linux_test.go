package process_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/process"
)

// BenchmarkSpawner_Start is the whole of a start: fork, shim, execve, and the end of /bin/true.
func BenchmarkSpawner_Start(b *testing.B) {
	s := newSpawner(b, process.Options{Guardian: true, Subreaper: true})
	spec := process.Spec{Argv: []string{"/bin/true"}, Env: environ(nil)}
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			p := start(b, s, spec)
			<-p.Done()
		}
	})
}

func TestStart_GivesTheDescriptorsAndNoOther(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true})
	leak, err := syscall.Dup(1) // as a parent of drover may leave it: without close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leak)
	f := func(files int, want string) {
		t.Helper()
		spec := process.Spec{Argv: []string{"/bin/sleep", "1000"}}
		for range files {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			spec.Files = append(spec.Files, w)
		}
		p := start(t, s, spec)
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, fd := range fds {
			names = append(names, fd.Name())
		}
		if got := sorted(names); got != want {
			t.Errorf("the program has %s, want %s", got, want)
		}
		p.Kill()
	}
	f(0, "0 1 2")
	f(3, "0 1 2 3 4 5")
}

func TestStart_GivesTheEnvironmentAndNothingElse(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(env ...string) {
		t.Helper()
		p := start(t, s, process.Spec{Argv: []string{"/bin/sleep", "1000"}, Env: env})
		defer p.Kill()
		got, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID()))
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(env, "\x00") + "\x00"; string(got) != want && len(env) > 0 || len(env) == 0 && len(got) > 0 {
			t.Errorf("%d bytes of environment, want %d", len(got), len(want))
		}
	}
	f()
	f("A=1", "B=", "A=2", "WITH=line\nbreak", "=odd", "odder")
	large := []string{}
	for i := range 12 {
		large = append(large, fmt.Sprintf("V%d=%s", i, strings.Repeat("x", 120<<10)))
	}
	f(large...)
}

func TestStart_IsLikeAFreshLogin(t *testing.T) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTSTP)
	defer signal.Reset(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTSTP)
	s := newSpawner(t, process.Options{})
	p := start(t, s, process.Spec{Argv: []string{"/bin/sleep", "1000"}})
	for _, field := range []string{"SigIgn", "SigBlk"} {
		if got := status(p.PID(), field); strings.Trim(got, "0") != "" {
			t.Errorf("%s is %s", field, got)
		}
	}
	if got := status(p.PID(), "NSsid"); got != fmt.Sprint(p.PID()) {
		t.Errorf("its session is %s, not its own %d", got, p.PID())
	}
	for fd := range 3 {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.PID(), fd))
		if err != nil || target != "/dev/null" {
			t.Errorf("descriptor %d is %s, %v", fd, target, err)
		}
	}
}

func TestStart_PassesOnLimitAndMaskThatDroverWasGiven(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := []string{"/bin/sh", "-c", "ulimit -Sn 512; umask 027; trap '' HUP; exec " + self}
	h := startHost(t, wrapper, shell("echo files $(ulimit -Sn) umask $(umask); sleep 1000"))
	h.await("files 512 umask 0027")
}

func TestStart_UsesFolderAndOutput(t *testing.T) {
	s := newSpawner(t, process.Options{})
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, filepath.Join(dir, "here"), "#!/bin/sh\npwd; cat; echo problem >&2\n")
	f := func(argv0 string, env ...string) {
		t.Helper()
		in, out := pipe(t), pipe(t)
		p := start(t, s, process.Spec{Argv: []string{argv0}, Dir: dir, Env: append(environ(nil), env...), Stdin: in.r, Stdout: out.w, Stderr: out.w})
		_, _ = in.r.Close(), out.w.Close()
		if _, err := io.WriteString(in.w, "hello\n"); err != nil {
			t.Fatal(err)
		}
		_ = in.w.Close()
		got, err := io.ReadAll(out.r)
		if err != nil {
			t.Fatal(err)
		}
		if want := dir + "\nhello\nproblem\n"; string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
		<-p.Done()
	}
	f("./here")
	f(filepath.Join(dir, "here"))
	f("here", "PATH=/nothing::/bin:/usr/bin") // the empty element is the folder
}

type ends struct{ r, w *os.File }

func pipe(t *testing.T) ends {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return ends{r, w}
}

func TestStart_SurvivesABusyFile(t *testing.T) {
	s := newSpawner(t, process.Options{})
	path := filepath.Join(t.TempDir(), "true")
	text, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Start(process.Spec{Argv: []string{path}})
	if err == nil || !strings.Contains(err.Error(), "being written") {
		t.Errorf("while it is open for writing: %v", err)
	}
	_ = f.Close()
	p := start(t, s, process.Spec{Argv: []string{path}})
	<-p.Done()
}

func TestStart_AfterItsBinaryWasReplaced(t *testing.T) {
	// A new drover was installed over the running one: the shim must be of the running one.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "drover")
	if out, err := exec.Command("cp", self, copied).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	script := "mv " + copied + " " + copied + ".old; exec " + copied + ".old"
	h := startHost(t, []string{"/bin/sh", "-c", script}, shell("rm "+copied+".old; echo removed; sleep 1000"), shell("sleep 1000"))
	h.await("removed")
	if err := os.WriteFile(copied+".old", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both run", func() bool { return len(tagged(h.tag)) >= 2 })
}
