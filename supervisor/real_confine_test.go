package supervisor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// limit returns a limit of the pool's first worker.
func (y *yard) limit(name string) Limit {
	y.t.Helper()
	for _, l := range y.s.Workers()[0].Limits {
		if l.Name == name {
			return l
		}
	}
	y.t.Errorf("no limit %s: %+v", name, y.s.Workers()[0].Limits)
	return Limit{}
}

// publicCopy puts the test binary where every user can run it.
func publicCopy(t *testing.T, command []string) []string {
	t.Helper()
	text, err := os.ReadFile(command[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pub")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // the system's temporary folder
	path := filepath.Join(dir, "worker")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return append([]string{path}, command[1:]...)
}

func TestReal_WorkerOfAnotherUserReachesAllItIsGiven(t *testing.T) {
	workertest.Need(t, "root")
	f := func(transport, mode string) {
		t.Run(transport+" "+mode, func(t *testing.T) {
			cfg := workerPool(1, mode)
			cfg.Transport = transport
			cfg.Command = publicCopy(t, cfg.Command)
			cfg.Security = config.Security{User: "4711", Group: "4712", NoNewPrivileges: true}
			if mode == "notify" {
				cfg.ProcessManagement.Ready = "notify"
			}
			y := newYard(t, cfg)
			y.untilReady(1)
			y.mustGet("app-1", "/", "app-1.1")
			link, err := y.get("app-1", "/env?name=DROVER_IPC_SOCKET")
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(link); err != nil || info.Mode().Perm() != 0o666 {
				t.Errorf("%s: %v, %v", link, info.Mode(), err)
			}
			if l := y.limit("user"); l.Value != "4711" || l.Level != process.LevelKernel {
				t.Errorf("%+v", l)
			}
			status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(y.s.Workers()[0].PID), "status"))
			if err != nil || !strings.Contains(string(status), "Uid:\t4711\t4711") || !strings.Contains(string(status), "Gid:\t4712\t4712") {
				t.Errorf("%v: %s", err, status)
			}
		})
	}
	f("port", "serve")
	f("socket", "serve")
	f("socket", "notify")
}
