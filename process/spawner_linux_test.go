package process_test

import (
	"syscall"
	"testing"

	"github.com/drover-proxy/drover/process"
)

func TestSpawner_ReportsExits(t *testing.T) {
	s := newSpawner(t, process.Options{Guardian: true, Subreaper: true})
	f := func(script, want string) {
		t.Helper()
		p := start(t, s, shell(script))
		<-p.Done()
		if got := p.Exit().String(); got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
	f("exit 0", "exit status 0")
	f("exit 7", "exit status 7")
	f("kill -9 $$", "signal: killed")
	f("kill -TERM $$", "signal: terminated")
}

func TestProcess_TerminateAndKill(t *testing.T) {
	s := newSpawner(t, process.Options{})
	p := start(t, s, worker("neverlisten"))
	if err := p.Terminate(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	p = start(t, s, worker("neverlisten"))
	p.Kill()
	<-p.Done()
	if p.Exit().Signal != syscall.SIGKILL {
		t.Error(p.Exit())
	}
}
