package supervisor

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

func TestReal_CrashedWorkerIsReplaced(t *testing.T) {
	y := newYard(t, workerPool(2, "serve"))
	y.untilReady(2)
	y.mustGet("app-1", "/", "app-1.1")
	if err := syscall.Kill(y.s.Workers()[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	y.until("the next generation is ready", func() bool { return y.pool.Get("app-1.2") != nil && y.s.Ready() == 2 })
	y.mustGet("app-1", "/", "app-1.2")
	y.mustGet("app-2", "/", "app-2.1")
	if w := y.s.Workers()[0]; w.LastReason != ReasonCrash || !strings.Contains(w.LastWords, "killed") {
		t.Errorf("status: %+v", w)
	}
}

func TestReal_EnvironmentIsWhatTheInterfaceSays(t *testing.T) {
	cfg := workerPool(1, "serve")
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("FROM_FILE=yes\nBOTH=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.EnvFile = file
	cfg.Env = maps.Clone(cfg.Env)
	cfg.Env["BOTH"] = "env"
	cfg.Directory = t.TempDir()
	y := newYard(t, cfg)
	y.untilReady(1)
	env := func(name, want string) {
		t.Helper()
		y.mustGet("app-1", "/env?name="+name, want)
	}
	env("PORT", strings.TrimPrefix(y.pool.Get("app-1").Address, "127.0.0.1:"))
	env("HOST", "127.0.0.1")
	env("SOCKET", "")
	env("DROVER_WORKER_ID", "app-1.1")
	env("DROVER_POOL", "app")
	env("DROVER_SLOT", "1")
	env("DROVER_GENERATION", "1")
	env("DROVER_IPC_FD", "3")
	env("NODE_CHANNEL_FD", "3")
	env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
	env("FROM_FILE", "yes")
	env("BOTH", "env")
	env("DROVER_ADMIN_TOKEN", "")
	env("PATH", os.Getenv("PATH"))
	if err := os.WriteFile(file, []byte("OTHER=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := y.s.WorkerRestart("app-1"); err != nil {
		t.Fatal(err)
	}
	y.until("it was replaced", func() bool { return y.pool.Get("app-1.2") != nil && len(y.s.Workers()) == 1 })
	env("FROM_FILE", "") // a removed key is gone
	env("OTHER", "1")
}

func TestReal_UnixSocketAndBothTransports(t *testing.T) {
	f := func(transport, network string) {
		t.Run(transport, func(t *testing.T) {
			cfg := workerPool(2, "serve")
			cfg.Transport = transport
			y := newYard(t, cfg)
			y.untilReady(2)
			if got := y.pool.Get("app-2").Network; got != network {
				t.Errorf("network is %s", got)
			}
			y.mustGet("app-2", "/", "app-2.1")
			if socket, err := y.get("app-2", "/env?name=SOCKET"); !strings.HasSuffix(socket, "/app-2.1.sock") || err != nil {
				t.Errorf("SOCKET is %q, %v", socket, err)
			}
		})
	}
	f("socket", "unix")
	f("auto", "tcp")
}

func TestReal_HungWorkerIsKilledWithEvidence(t *testing.T) {
	cfg := workerPool(2, "serve")
	cfg.HealthCheck.Enabled = true
	cfg.HealthCheck.Interval, cfg.HealthCheck.Timeout = config.Duration(50*time.Millisecond), config.Duration(time.Second)
	y := newYard(t, cfg)
	y.probe(50*time.Millisecond, time.Second)
	y.untilReady(2)
	if err := syscall.Kill(y.s.Workers()[1].PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	y.until("it was killed and replaced", func() bool { return y.pool.Get("app-2.2") != nil && y.s.Ready() == 2 })
	if !y.happened(event.WorkerKilled, "(stopped") {
		t.Error("no evidence in the event")
	}
	if y.pool.Get("app-1.1") == nil || y.s.Restarts()[ReasonProbeFailed] != 1 {
		t.Errorf("restarts: %v", y.s.Restarts())
	}
}
