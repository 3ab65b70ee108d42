package process_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// output runs a program to its end and returns what it wrote.
func output(t *testing.T, s *process.Spawner, spec process.Spec) (string, process.Exit) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	spec.Stdout, spec.Stderr = w, w
	p, err := s.Start(spec)
	_ = w.Close() // the program has its own
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return strings.TrimSpace(string(text)), p.Exit()
}

// level returns how a bound is kept.
func level(p *process.Process, bound string) process.Level {
	for _, h := range p.Held() {
		if h.Bound == bound {
			return h.Level
		}
	}
	return ""
}

func TestBounds_OfOneProcessReachTheProgram(t *testing.T) {
	s := newSpawner(t, process.Options{})
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	own, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	f := func(b process.Bounds, script, want string) {
		t.Helper()
		spec := shell(script)
		spec.Bounds = b
		if got, _ := output(t, s, spec); got != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
	f(process.Bounds{OpenFiles: 77}, "ulimit -n; ulimit -Hn", "77\n77")
	f(process.Bounds{OOMScore: 200}, "cat /proc/self/oom_score_adj", fmt.Sprint(min(own+200, 1000)))
	f(process.Bounds{}, "cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status", fmt.Sprintf("%d\nNoNewPrivs:\t0", own))
	f(process.Bounds{NoNewPrivileges: true}, "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1")
}

func TestBounds_DescriptorLeakStaysWithTheWorker(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(argv ...string) {
		t.Helper()
		workertest.Need(t, argv[0])
		spec := process.Spec{Argv: argv, Env: environ(nil), Bounds: process.Bounds{OpenFiles: 100}}
		if got, _ := output(t, s, spec); !strings.Contains(got, "EMFILE") {
			t.Errorf("%s: %s", argv[0], got)
		}
	}
	f("node", "-e", "const fs = require('fs'); try { for (let n = 0; n < 1000; n++) fs.openSync('/dev/null') } catch (e) { console.log(e.code) }")
	f("python3", "-c", "import errno\nheld = []\ntry:\n while len(held) < 1000: held.append(open('/dev/null'))\nexcept OSError as e: print(errno.errorcode[e.errno])")
}

func TestBounds_AnotherUserRunsIt(t *testing.T) {
	workertest.Need(t, "root")
	s := newSpawner(t, process.Options{})
	spec := shell("id -u; id -g; id -G; grep CapEff /proc/self/status")
	spec.Bounds = process.Bounds{Account: &process.Account{UID: 4711, GID: 4712, Groups: []int{4712, 4713}}}
	got, _ := output(t, s, spec)
	if want := "4711\n4712\n4712 4713\nCapEff:\t0000000000000000"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	dir := t.TempDir() // closed to others
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	spec.Dir = dir
	_, err := s.Start(spec)
	var e *process.StartError
	if !errors.As(err, &e) || e.Op != "chdir" || !errors.Is(err, syscall.EACCES) {
		t.Errorf("a folder that the user cannot enter: %v", err)
	}
}

func TestBounds_AnotherUserGetsNoCapabilitiesOfDrover(t *testing.T) {
	workertest.Need(t, "root")
	workertest.Need(t, "setpriv")
	// As a drover that systemd starts with User= and AmbientCapabilities=; by the last it finds the test's program.
	const caps = "+setuid,+setgid,+dac_read_search"
	spec := shell("grep -E '^(Uid|CapPrm|CapEff|CapAmb)' /proc/self/status | tr '\\n' ' '; echo")
	spec.Bounds.Account = &process.Account{UID: 4712, GID: 4712}
	h := startHost(t, []string{"setpriv", "--reuid=4711", "--regid=4711", "--clear-groups", "--inh-caps=" + caps, "--ambient-caps=" + caps}, spec)
	const none = "0000000000000000"
	h.await("Uid:\t4712\t4712\t4712\t4712 CapPrm:\t" + none + " CapEff:\t" + none + " CapAmb:\t" + none + " ")
}

func TestBounds_DroversOwnAccountNeedsNoRoot(t *testing.T) {
	workertest.Need(t, "root") // to be somebody else first
	workertest.Need(t, "setpriv")
	const caps = "+dac_read_search" // to find the test's program
	f := func(a process.Account) {
		t.Helper()
		spec := shell("id -u; id -g")
		spec.Bounds.Account = &a
		h := startHost(t, []string{"setpriv", "--reuid=4711", "--regid=4712", "--clear-groups", "--inh-caps=" + caps, "--ambient-caps=" + caps}, spec)
		h.await("4711")
		h.await("4712")
	}
	f(process.Account{UID: 4711, GID: 4712, Groups: []int{4712}})
	f(process.Account{UID: -1, GID: 4712, Groups: []int{4712}})
}

func TestBounds_AnotherUsersProgramEndsWithDrover(t *testing.T) {
	workertest.Need(t, "root")
	account := &process.Account{UID: 4711, GID: 4711}
	daemon, direct := shell("(setsid sleep 1000 &) ; exec sleep 1000"), shell("exec sleep 1000")
	daemon.ID, daemon.Env = "app-1.1", append(daemon.Env, "DROVER_WORKER_ID=app-1.1", "NOTIFY_SOCKET=/run/"+t.Name())
	daemon.Bounds.Account, direct.Bounds.Account = account, account
	h := startHost(t, nil, daemon, direct)
	h.await("host started")
	eventually(t, "all run", func() bool { return len(tagged(h.tag)) == 3 })
	h.kill()
	eventually(t, "all processes are gone", func() bool { return len(tagged(h.tag)) == 0 })
}

func TestBounds_MoreOpenFilesThanAllowedIsTold(t *testing.T) {
	s := newSpawner(t, process.Options{})
	spec := shell("ulimit -n")
	spec.Bounds.OpenFiles = 1 << 62
	p := start(t, s, spec)
	<-p.Done()
	held := p.Held()
	if len(held) != 1 || held[0].Level != process.LevelPartial {
		t.Fatalf("%+v", held)
	}
	if got, _ := output(t, s, spec); got == "" || !strings.Contains(held[0].Why, "may open "+got+",") {
		t.Errorf("ulimit -n says %s, and drover %q", got, held[0].Why)
	}
}
