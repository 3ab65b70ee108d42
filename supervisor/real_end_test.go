package supervisor

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

func TestReal_WorkersThatNeverServe(t *testing.T) {
	f := func(name, wantWords string, cfg *config.Pool) {
		t.Run(name, func(t *testing.T) {
			cfg.ProcessManagement.StartTimeout = config.Duration(3 * time.Second) // a busy machine needs some of it
			cfg.ProcessManagement.RestartDelay = config.Duration(10 * time.Millisecond)
			y := newYard(t, cfg)
			y.until("it is hopeless", func() bool { hopeless, _ := y.s.Hopeless(); return hopeless })
			if _, why := y.s.Hopeless(); !strings.Contains(why, wantWords) || y.s.EverReady() || y.s.Ready() != 0 {
				t.Errorf("reason: %s", why)
			}
		})
	}
	f("exit0", "exit status 0", workerPool(2, "exit0"))
	f("crash", "exit status 7", workerPool(1, "crash", "0", "7"))
	f("neverlisten", "did not listen on $PORT", workerPool(1, "neverlisten"))
	f("elsewhere", "it listens on 127.0.0.1:", workerPool(1, "elsewhere"))
	missing := workerPool(1, "serve")
	missing.Command = []string{"/no/such/program"}
	f("missing", "/no/such/program", missing)
	envFile := workerPool(1, "serve")
	envFile.EnvFile = "/no/such/env"
	f("env file", "/no/such/env", envFile)
}

func TestReal_IgnoredTermEndsInKill(t *testing.T) {
	cfg := workerPool(2, "ignoreterm")
	cfg.ProcessManagement.GracefulShutdownTimeout = config.Duration(300 * time.Millisecond)
	y := newYard(t, cfg)
	y.untilReady(2)
	y.finish()
	if !y.happened(event.WorkerKilled, "did not end within 300ms of SIGTERM") {
		t.Error("nobody was told")
	}
}

func TestReal_StopFastDoesNotWait(t *testing.T) {
	y := newYard(t, workerPool(2, "ignoreterm"))
	y.untilReady(2)
	lease, err := y.pool.Get("app-1").Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(pool.Outcome{})
	y.stop()
	y.until("it drains", func() bool { return y.s.Workers()[0].State == Draining })
	y.s.StopFast()
	y.finish()
	if !y.happened(event.WorkerKilled, "did not end within 1s of SIGTERM") {
		t.Error("the waits were not shortened")
	}
}

func TestReal_WholeTreesAreEnded(t *testing.T) {
	f := func(mode, then string) {
		t.Run(mode, func(t *testing.T) {
			cfg := workerPool(1, mode, then)
			cfg.ProcessManagement.GracefulShutdownTimeout = config.Duration(500 * time.Millisecond)
			y := newYard(t, cfg)
			y.untilReady(1)
			y.until("the tree has grown", func() bool { return len(y.pids()) > 1 })
			first := y.pids()
			// the direct child ends by itself: the rest goes with it
			if err := syscall.Kill(y.s.Workers()[0].PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			y.until("it was replaced", func() bool { return y.pool.Get("app-1.2") != nil && y.s.Ready() == 1 })
			for _, pid := range first {
				if alive(pid) {
					t.Errorf("process %d of the first generation is left", pid)
				}
			}
			y.until("the tree has grown again", func() bool { return len(y.pids()) > 1 })
		})
	}
	f("fork", "serve")
	f("daemonize", "neverlisten") // what it left its session for serves
}

func TestReal_WhatLeftTheGroupIsAskedToEnd(t *testing.T) {
	cfg := workerPool(1, "serve") // with time to end that nobody wants to wait for
	cfg.Command = []string{"/bin/sh", "-c", `setsid "$0" & wait`, cfg.Command[0]}
	y := newYard(t, cfg)
	y.untilReady(1)
	begun := time.Now()
	y.finish()
	if took := time.Since(begun); took > 5*time.Second || y.happened(event.WorkerKilled, "") {
		t.Errorf("it took %s of %s", took, cfg.ProcessManagement.GracefulShutdownTimeout.Std())
	}
}

func TestReal_ListenerOfADescendantCounts(t *testing.T) {
	cfg := workerPool(1, "serve")
	cfg.Command = []string{"/bin/sh", "-c", `"$0" & wait`, cfg.Command[0]}
	y := newYard(t, cfg)
	y.untilReady(1)
	y.mustGet("app-1", "/", "app-1.1")
}
