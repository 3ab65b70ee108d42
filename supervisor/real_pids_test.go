package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// untilPrivate waits until n workers are ready and checks that they have PIDs of their own.
func (y *yard) untilPrivate(n int) {
	y.t.Helper()
	y.untilReady(n)
	if l := y.limit("privatePids"); l.Level != process.LevelKernel {
		workertest.Lack(y.t, "PID namespaces: "+l.Notice())
	}
}

// inside is the number that a process has in its own PID namespace.
func inside(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nNSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	numbers := strings.Fields(line)
	if len(numbers) < 2 {
		t.Fatalf("process %d has the numbers %v", pid, numbers)
	}
	return numbers[len(numbers)-1]
}

func TestReal_PrivatePIDsWithEveryTransport(t *testing.T) {
	workertest.Need(t, "root")
	f := func(transport, mode string, sec config.Security) {
		t.Run(transport+" "+mode, func(t *testing.T) {
			cfg := workerPool(1, mode)
			cfg.Transport, cfg.Command = transport, publicCopy(t, cfg.Command)
			cfg.Security = sec
			cfg.Security.PrivatePIDs, cfg.Security.NoNewPrivileges = true, true
			if mode == "notify" {
				cfg.ProcessManagement.Ready = "notify"
			}
			y := newYard(t, cfg)
			y.untilPrivate(1)
			w := y.s.Workers()[0]
			y.mustGet("app-1", "/", "app-1.1")
			y.mustGet("app-1", "/pid", inside(t, w.PID))
			if pids := y.pids(); !slices.Equal(pids, []int{w.PID}) {
				t.Errorf("the worker is process %d, and these are measured: %v", w.PID, pids)
			}
			if mode != "serve" {
				return
			}
			if err := y.s.WorkerRestart("app-1"); err != nil {
				t.Fatal(err)
			}
			y.until("it was replaced", func() bool { return y.pool.Get("app-1.2") != nil && len(y.s.Workers()) == 1 })
			if !y.happened(event.WorkerExited, "worker app-1.1 ended with exit status 0") { // SIGTERM has reached it
				t.Error("its end is not told as it was")
			}
		})
	}
	for _, transport := range []string{"port", "socket", "auto"} {
		f(transport, "serve", config.Security{})
	}
	f("port", "notify", config.Security{User: "4711", Group: "4711"})
	f("socket", "notify", config.Security{Sandbox: "strict", PrivateNetwork: true})
}

func TestReal_PrivatePIDsOfNodeAndPythonInAStrictSandbox(t *testing.T) {
	workertest.Need(t, "root")
	const secret = "/proc/1/environ"
	f := func(transport string, command ...string) {
		t.Run(transport+" "+filepath.Base(command[0]), func(t *testing.T) {
			workertest.Need(t, command[0])
			own := t.TempDir()
			y := newYard(t, poolConfig(1, func(c *config.Pool) {
				c.Command, c.Transport, c.Directory = command, transport, t.TempDir()
				c.Env = map[string]string{"SECRET": secret, "OWN": own}
				c.Security = config.Security{NoNewPrivileges: true, PrivatePIDs: true, Sandbox: "strict", WritablePaths: []string{own}}
				c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
			}))
			y.untilPrivate(1)
			y.mustGet("app-1", "/", "EACCES undefined channel") // the init is out of its reach
			pid := y.s.Workers()[0].PID
			if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || !strings.HasPrefix(filepath.Base(exe), strings.TrimRight(filepath.Base(command[0]), "0123456789.")) {
				t.Errorf("process %d, which is to be the worker, runs %s, %v", pid, exe, err)
			}
		})
	}
	f("port", "node", "-e", nodeServer)
	f("socket", "node", "-e", strings.Replace(nodeServer, ", '127.0.0.1')", ")", 1))
	f("port", workertest.Bun(t, ".."), "-e", nodeServer)
	f("port", workertest.Python(t), "-c", pythonServer)
	f("socket", workertest.Python(t), "-c", pythonServer)
}

func TestReal_PrivatePIDsHungAndCrashedWorkersAreKnownAsWhatTheyAre(t *testing.T) {
	workertest.Need(t, "root")
	workertest.Need(t, "node")
	cfg := workerPool(4, "serve")
	cfg.Command, cfg.Env = []string{"sh", "-c", "(setsid env -i sleep 1000 &); exec node -e \"$APP\""}, map[string]string{"APP": hangs}
	cfg.Security.PrivatePIDs = true
	cfg.ProcessManagement.DumpSignal = "SIGQUIT"
	cfg.HealthCheck.Enabled = true
	cfg.HealthCheck.Interval, cfg.HealthCheck.Timeout, cfg.HealthCheck.MaxFailures = config.Duration(200*time.Millisecond), config.Duration(500*time.Millisecond), 4
	y := newYard(t, cfg)
	y.probe(200*time.Millisecond, 500*time.Millisecond)
	y.untilPrivate(4)
	all := y.pids()
	if len(all) != 8 {
		t.Errorf("processes %v, want two of each worker", all)
	}
	kill := func(slot int, sig syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(y.s.Workers()[slot-1].PID, sig); err != nil {
			t.Fatal(err)
		}
	}
	y.mustGet("app-1.1", "/spin", "ok")
	kill(2, syscall.SIGSTOP)
	kill(3, syscall.SIGSEGV)
	kill(4, syscall.SIGKILL)
	y.until("all are replaced", func() bool {
		for slot := range 4 {
			if y.pool.Get(fmt.Sprintf("app-%d.2", slot+1)) == nil {
				return false
			}
		}
		return y.s.Ready() == 4
	})
	for id, kind := range map[string]string{"app-1.1": "spin", "app-2.1": "stopped"} {
		if !y.happened(event.WorkerKilled, "worker "+id+" is killed: it failed its health checks") || !y.happened(event.WorkerKilled, "("+kind+")") {
			t.Errorf("%s was not killed as %s", id, kind)
		}
	}
	for id, end := range map[string]string{"app-1.1": "quit", "app-3.1": "segmentation fault", "app-4.1": "killed"} { // quit: dumpSignal
		if !y.happened(event.WorkerExited, "worker "+id+" ended with signal: "+end) {
			t.Errorf("that %s ended by %q is not told", id, end)
		}
	}
	for _, pid := range all {
		if alive(pid) {
			t.Errorf("process %d of the first generation is left", pid)
		}
	}
}
