package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// needPIDs finds out whether programs can have PIDs of their own here.
func needPIDs(t *testing.T, s *process.Spawner) {
	t.Helper()
	workertest.Need(t, "root")
	bounded(t, s, ownPIDs(shell("true")), process.BoundPIDs).Kill()
}

// ownPIDs gives a program PIDs of its own.
func ownPIDs(spec process.Spec) process.Spec {
	spec.Bounds.PrivatePIDs = true
	return spec
}

// initOf returns the init of a program.
func initOf(t *testing.T, p *process.Process) int {
	t.Helper()
	parent, err := strconv.Atoi(status(p.PID(), "PPid"))
	if err != nil {
		t.Fatal(err)
	}
	if inside := strings.Fields(status(parent, "NSpid")); len(inside) < 2 || inside[len(inside)-1] != "1" {
		t.Fatalf("process %d, the parent of the program, is %v inside", parent, inside)
	}
	return parent
}

func TestPrivatePIDs_AProgramSeesItsOwnOnly(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	outside := start(t, s, shell("exec sleep 1000"))
	script := fmt.Sprintf(`cd /proc; set -- [0-9]*; [ "$*" = "1 $$" ] && echo alone
		echo parent $PPID; kill -9 %d 2>/dev/null || echo out of reach
		grep -c ' /proc ' self/mountinfo; ls -A /dev/null`, outside.PID())
	got, _ := output(t, s, ownPIDs(shell(script)))
	if want := "alone\nparent 1\nout of reach\n1\n/dev/null"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !alive(outside.PID()) {
		t.Error("it has killed another")
	}
}

func TestPrivatePIDs_ExitsAreReportedAsTheyWere(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	f := func(script, want string) {
		t.Helper()
		p := start(t, s, ownPIDs(shell(script)))
		<-p.Done()
		if got := p.Exit().String(); got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
	f("exit 0", "exit status 0")
	f("exit 7", "exit status 7")
	f("exit 137", "exit status 137")
	f("exit 255", "exit status 255")
	f("kill -9 $$", "signal: killed")
	f("kill -TERM $$", "signal: terminated")
	f("kill -SEGV $$", "signal: segmentation fault")
	p := start(t, s, ownPIDs(shell("exec sleep 1000")))
	p.Kill()
	if got := p.Exit().String(); got != "signal: killed" {
		t.Error(got)
	}
}

func TestPrivatePIDs_SignalsReachTheGroup(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, 40} {
		p := start(t, s, ownPIDs(shell("exec sleep 1000")))
		if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it stands still", func() bool { return strings.HasPrefix(status(p.PID(), "State"), "T") })
		if evidence := p.Evidence(); evidence != process.EvidenceStopped {
			t.Errorf("it is %s", evidence)
		}
		if err := p.Terminate(sig); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if got := p.Exit().Signal; got != sig {
			t.Errorf("%v ended it as %v", sig, p.Exit())
		}
	}
	// As npm does: the wrapper dies of the signal, the application takes its time.
	p := start(t, s, ownPIDs(shell("sh -c 'trap : TERM; sleep 1000 & wait; sleep 0.3; sleep 1001' & wait")))
	// Also the last: a shell that forks takes the signal, before it has become what it is to be, as the one that has the trap.
	eventually(t, "all run", func() bool { return len(p.Look()) == 3 && ran(p, "sleep\x001000\x00") })
	if err := p.Terminate(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	eventually(t, "what it has left goes on", func() bool { return ran(p, "sleep\x001001\x00") })
	p.Kill()
	if left := p.Look(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// ran reports whether a command is in the tree.
func ran(p *process.Process, command string) bool {
	for _, pid := range p.Look() {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && string(text) == command {
			return true
		}
	}
	return false
}

func TestPrivatePIDs_NobodyGetsAway(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true}) // no subreaper: nothing would lead to who left
	needPIDs(t, s)
	p := start(t, s, ownPIDs(shell("(setsid env -i sh -c 'sleep 1000 & sleep 1000; true' &); exec sleep 1000")))
	eventually(t, "all run", func() bool { return len(p.Look()) == 4 })
	all, first := p.Look(), initOf(t, p)
	for _, pid := range all {
		if pid == first {
			t.Error("its init is shown as a part of it")
		}
	}
	if zombies := p.Zombies(); zombies != 0 {
		t.Errorf("%d zombies: orphans are not waited for", zombies)
	}
	p.Kill()
	for _, pid := range append(all, first) {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
}

func TestPrivatePIDs_AProgramThatLosesItsInitWasKilled(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	p := start(t, s, ownPIDs(shell("setsid sleep 1000 & sleep 1000")))
	eventually(t, "all run", func() bool { return len(p.Look()) == 3 })
	first := initOf(t, p)
	if name := status(first, "Name"); name != "drover-init" {
		t.Errorf("its name is %q", name)
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.Exit().String(); got != "signal: killed" || len(p.Look()) > 0 {
		t.Errorf("%s, and %v are left", got, p.Look())
	}
}

func TestPrivatePIDs_EndsWithDrover(t *testing.T) {
	s := newSpawner(t, process.Options{})
	needPIDs(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f := func(withGuardian bool, account *process.Account) {
		spec := ownPIDs(shell("(setsid sleep 1000 &); exec sleep 1000"))
		spec.Bounds.Account = account
		h := startHost(t, nil, spec, shell("exec sleep 1000"))
		h.await("host started")
		eventually(t, "all run", func() bool { return len(tagged(h.tag)) == 3 })
		inits := children(h.cmd.Process.Pid, "drover-init")
		if len(inits) != 1 {
			t.Fatalf("inits %v", inits)
		}
		guardian := h.guardian()
		if !withGuardian { // stands still, so that no other is started
			if err := syscall.Kill(guardian, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		h.kill()
		eventually(t, "all are gone", func() bool { return len(tagged(h.tag)) == 0 && !alive(inits[0]) })
		if !withGuardian {
			_ = syscall.Kill(guardian, syscall.SIGKILL) // is ours to end
		}
	}
	f(true, nil)
	f(false, nil)
	f(false, &process.Account{UID: 4711, GID: 4711})
}

// children returns those of a process that have a name.
func children(parent int, name string) []int {
	var found []int
	for _, pid := range pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasPrefix(string(text), name+"\x00") && status(pid, "PPid") == strconv.Itoa(parent) {
			found = append(found, pid)
		}
	}
	return found
}

func TestPrivatePIDs_WithAllOtherBounds(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	own, err := os.MkdirTemp("", "drover-test-") // in a folder that others may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(own) }) // the system's temporary folder
	if err := os.Chmod(own, 0o777); err != nil {
		t.Fatal(err)
	}
	spec := ownPIDs(shell(`id -u; ulimit -n; grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; grep -c : /proc/net/dev
		echo x > /proc/1/oom_score_adj; echo yes > ` + own + `/file && cat ` + own + `/file; kill -TERM 1 || echo no`))
	spec.Bounds.OpenFiles, spec.Bounds.Memory, spec.Bounds.Processes = 99, 64<<20, 50
	spec.Bounds.Account = &process.Account{UID: 4711, GID: 4711}
	spec.Bounds.PrivateNetwork, spec.Bounds.NoNewPrivileges = true, true
	spec.Bounds.Sandbox = &process.Sandbox{Strict: true, Write: []string{own}}
	silent := spec
	silent.Stderr = nil
	p := bounded(t, s, silent, process.BoundSandbox)
	<-p.Done()
	for _, h := range p.Held() {
		if h.Level != process.LevelKernel {
			t.Errorf("%+v", h)
		}
	}
	got, _ := output(t, s, spec)
	for _, want := range []string{"4711\n99\nNoNewPrivs:\t1\nSeccomp:\t2\n1\n", "oom_score_adj: Permission denied", "\nyes\n", "\nno"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestPrivatePIDs_MemoryIsThatOfTheProgram(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	spec := ownPIDs(shell("x=$(head -c 200m /dev/zero | tr '\\0' x); sleep 1000"))
	spec.Bounds.Memory = 32 << 20
	p := bounded(t, s, spec, process.BoundMemory)
	if workertest.Groups(t, initOf(t, p)) != nil {
		t.Error("the init is in the group of the program")
	}
	<-p.Done()
	if got := p.Exit().String(); got != "signal: killed" || !p.OutOfMemory() {
		t.Errorf("%s, out of memory %v", got, p.OutOfMemory())
	}
}

func TestPrivatePIDs_TheInitTakesLittleAndHoldsNothing(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	spec := ownPIDs(shell("exec sleep 1000"))
	spec.Stdin, spec.Stdout, spec.Files = w, w, []*os.File{w, w}
	p := start(t, s, spec)
	_ = w.Close() // the program has its own
	first := initOf(t, p)
	pipe := link(p.PID(), "1")
	if !strings.HasPrefix(pipe, "pipe:") {
		t.Fatalf("its output is %q", pipe)
	}
	eventually(t, "the init has closed what is the program's", func() bool {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", first))
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if link(first, fd.Name()) == pipe {
				return false
			}
		}
		return true
	})
	var anonymous int
	eventually(t, "it has given back what starting has taken", func() bool {
		anonymous, err = strconv.Atoi(strings.TrimSuffix(status(first, "RssAnon"), " kB"))
		return err == nil && (raceDetector || anonymous < 4<<10)
	})
	t.Logf("RssAnon %d kB, RssFile %s", anonymous, status(first, "RssFile"))
}

func link(pid int, fd string) string {
	target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd)) // gone: empty
	return target
}

func TestPrivatePIDs_NothingIsKeptOfManyStarts(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	run := func(n int) {
		for range n {
			p := start(t, s, ownPIDs(process.Spec{ID: "app-1.1", Argv: []string{"/bin/true"}}))
			<-p.Done()
		}
	}
	run(3)
	files, routines := openFiles(t), runtime.NumGoroutine()
	run(20)
	eventually(t, fmt.Sprintf("%d open files and %d goroutines as before", files, routines), func() bool {
		return openFiles(t) <= files && runtime.NumGoroutine() <= routines
	})
	eventually(t, "no init is left", func() bool { return len(children(os.Getpid(), "drover-init")) == 0 })
}

func TestPrivatePIDs_StartsFailAsWithout(t *testing.T) {
	s := newSpawner(t, process.Options{})
	needPIDs(t, s)
	f := func(spec process.Spec, want string) {
		t.Helper()
		_, err := s.Start(ownPIDs(spec))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	broken := filepath.Join(t.TempDir(), "broken")
	writeProgram(t, broken, "#!/none/such\n")
	f(process.Spec{Argv: []string{broken}}, "its interpreter /none/such does not exist")
	closed := shell("true")
	closed.Dir, closed.Bounds.Account = privateDir(t), &process.Account{UID: 4711, GID: 4711}
	f(closed, "permission denied")
	if left := children(os.Getpid(), "drover-init"); len(left) > 0 {
		t.Errorf("inits %v are left", left)
	}
}

func TestPrivatePIDs_ZombiesAndMountsAreItsOwn(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	needPIDs(t, s)
	dir := t.TempDir()
	p := start(t, s, ownPIDs(shell("mount -t tmpfs none "+dir+" && touch "+dir+"/inside; true & exec sleep 1000")))
	eventually(t, "its child has ended and it does not wait for it", func() bool { return p.Zombies() == 1 })
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/root%s/inside", p.PID(), dir)); err != nil {
		t.Errorf("its own mount: %v", err)
	}
	if _, err := os.Stat(dir + "/inside"); err == nil {
		t.Error("what it has mounted is seen outside")
	}
}

// What a container has covered in its /proc stays covered.
func TestPrivatePIDs_CoversOfProcStay(t *testing.T) {
	s := newSpawner(t, process.Options{})
	needPIDs(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	workertest.Need(t, "unshare")
	h := startHost(t, []string{"unshare", "-m", "sh", "-c", `mount --bind /dev/null /proc/version && mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$0" "$@"`},
		ownPIDs(shell("stat -c %F /proc/version; [ -w /proc/sys/kernel/hostname ] || echo fixed; umount -l /proc; ls -A /proc | wc -l; exec sleep 1000")))
	for _, want := range []string{"character special file", "fixed", "0"} { // nothing is below it
		h.await(want)
	}
}

func TestPrivatePIDs_WhereTheyCannotBeHadTheLevelSaysSo(t *testing.T) {
	workertest.Need(t, "root")
	workertest.Need(t, "setpriv")
	h := startHost(t, []string{"setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"}, ownPIDs(shell("exec sleep 1000")))
	h.await("host started")
	if got := h.ask("held"); !strings.HasPrefix(got, "pids none drover may not make PID namespaces") {
		t.Error(got)
	}
}
