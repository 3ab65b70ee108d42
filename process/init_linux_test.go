package process_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

func TestSpawner_WorksAsPID1(t *testing.T) {
	workertest.Need(t, "root")
	workertest.Need(t, "unshare")
	daemon := worker("daemonize", "neverlisten")
	daemon.ID = "app-1.1"
	daemon.Env = append(daemon.Env, "DROVER_WORKER_ID=app-1.1", "PORT="+freePort(t))
	h := startHost(t, []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"},
		daemon,
		shell("sleep 1000 & sleep 1000"),
		shell("i=0; while [ $i -lt 20 ]; do (sleep 0.001 &); i=$((i+1)); done; exit 0")) // orphans that end
	h.await("host started")
	if got := h.ask("pid"); got != "1" {
		t.Fatalf("the host is process %s", got)
	}
	eventually(t, "no zombie is left and only the trees are there", func() bool {
		// A worker, its daemon, a shell and two sleeps; the host, its guardian.
		return h.ask("zombies") == "0" && len(h.tree()) == 5
	})
	if got := h.ask("close"); got != "closed <nil>" {
		t.Error(got)
	}
	eventually(t, "all processes are gone", func() bool { return len(tagged(h.tag)) == 0 })
	if err := h.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestNew_RefusesAProcOfAnotherNamespace(t *testing.T) {
	workertest.Need(t, "root")
	workertest.Need(t, "unshare")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--pid", "--fork", self)
	cmd.Env = append(os.Environ(), hostEnv+"=[]")
	out, err := cmd.Output()
	if err == nil || !strings.Contains(string(out), "unshare --mount-proc") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSpawner_CollectsOrphans(t *testing.T) {
	s := newSpawner(t, process.Options{Subreaper: true})
	p := start(t, s, shell("i=0; while [ $i -lt 20 ]; do (sleep 0.001 &); i=$((i+1)); done; exit 0"))
	<-p.Done()
	eventually(t, "no child is left, not even a zombie", func() bool {
		for _, pid := range pids() {
			if status(pid, "PPid") == strconv.Itoa(os.Getpid()) {
				return false
			}
		}
		return true
	})
}
