package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// ownPIDs gives a program PIDs of its own, where that is possible here.
func ownPIDs(t *testing.T, s *process.Spawner, spec process.Spec) process.Spec {
	t.Helper()
	workertest.Need(t, "root")
	trial := shell("true")
	trial.Bounds.PrivatePIDs = true
	p := bounded(t, s, trial, process.BoundPIDs)
	p.Kill()
	spec.Bounds.PrivatePIDs = true
	return spec
}

func TestPrivatePIDs_ItSeesItselfOnly(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	spec := ownPIDs(t, s, shell("cd /proc; echo $$ $PPID; echo [0-9]*; cat 1/comm; readlink 1/exe; grep ' /proc ' self/mountinfo | wc -l"))
	got, exit := output(t, s, spec)
	t.Log(got, exit)
}

func TestPrivatePIDs_ExitsAreReported(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	f := func(script, want string) {
		t.Helper()
		p := start(t, s, ownPIDs(t, s, shell(script)))
		<-p.Done()
		if got := p.Exit().String(); got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
	f("exit 0", "exit status 0")
	f("exit 7", "exit status 7")
	f("exit 255", "exit status 255")
	f("kill -9 $$", "signal: killed")
	f("kill -TERM $$", "signal: terminated")
	f("kill -SEGV $$", "signal: segmentation fault")
	_ = fmt.Sprint(os.Args, filepath.Base(""), strconv.Itoa(1), strings.ToLower(""), syscall.SIGTERM, time.Now())
}

func TestPrivatePIDs_Init(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	p := start(t, s, ownPIDs(t, s, shell("sleep 1000; true")))
	time.Sleep(500*time.Millisecond)
	t.Log(p.PID(), p.Look())
	pp := status(p.PID(), "PPid")
	n, _ := strconv.Atoi(pp)
	t.Log(status(n, "Name"), status(n, "RssAnon"), status(n, "RssFile"), status(n, "Threads"), status(n, "NSpid"))
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", n))
	for _, f := range fds { l, _ := os.Readlink(f); t.Log(f, l) }
	if err := p.Terminate(syscall.SIGTERM); err != nil { t.Error(err) }
	<-p.Done()
	t.Log(p.Exit())
}
