package supervisor

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/ipc"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/process"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// yard is a supervisor with real processes.
type yard struct {
	t       *testing.T
	pool    *pool.Pool
	s       *Supervisor
	bus     *event.Bus
	spawner *process.Spawner
	client  *http.Client
	stop    context.CancelFunc
	ended   chan struct{}
}

// hubChannel lets a hub be a Channel.
type hubChannel struct{ hub *ipc.Hub }

func (c hubChannel) Open(id string) (Endpoint, error) { return c.hub.Open(id) }

// workerPool is a pool of test workers; changes are made to its settings.
func workerPool(workers int, mode string, args ...string) *config.Pool {
	argv, env := workertest.Command(mode, args...)
	return poolConfig(workers, func(c *config.Pool) {
		c.Command, c.Env = argv, env
		c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
	})
}

func newYard(t *testing.T, cfg *config.Pool) *yard {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "sup") // short enough for sockets
	must(err)
	spawner, err := process.New(process.Options{Subreaper: true})
	must(err)
	y := &yard{t: t, bus: event.NewBus(10_000), spawner: spawner, ended: make(chan struct{})}
	hub, err := ipc.NewHub(filepath.Join(dir, "n"), y.bus)
	must(err)
	y.pool = pool.New("app", cfg, y.bus)
	y.client = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	y.s, err = New(Options{Pool: y.pool, Config: cfg, DrainTimeout: 5 * time.Second, Starter: spawner, Channel: hubChannel{hub}, Bus: y.bus,
		Environ: append(os.Environ(), "PORT=8080", "DROVER_ADMIN_TOKEN=secret"), RunDir: dir, Executable: "/the/drover"})
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	y.stop = cancel
	go func() {
		defer close(y.ended)
		if err := y.s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		y.finish()
		if err := errors.Join(hub.Close(), spawner.Close()); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*.sock")); err != nil || len(left) > 0 {
			t.Errorf("sockets are left: %v %v", left, err)
		}
		_ = os.RemoveAll(dir) // the system's temporary folder
		for _, e := range y.bus.Recent() {
			if e.Kind == event.Internal {
				t.Errorf("internal: %s", e.Message)
			}
		}
		if t.Failed() {
			for _, e := range y.bus.Recent() {
				t.Logf("%s %s %s", e.Time.Format("05.000"), e.Kind, e.Message)
			}
		}
	})
	return y
}

// finish stops the supervisor and checks that nothing is left.
func (y *yard) finish() {
	y.t.Helper()
	pids := y.pids()
	y.stop()
	select {
	case <-y.ended:
	case <-time.After(patience):
		y.t.Errorf("Run does not end: %+v", y.s.Workers())
		return
	}
	for _, pid := range pids {
		if alive(pid) {
			y.t.Errorf("process %d is left", pid)
		}
	}
}

// pids returns every process of every worker.
func (y *yard) pids() []int {
	var out []int
	for _, target := range y.s.Targets() {
		out = append(out, target.PIDs()...)
	}
	return out
}

func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func (y *yard) until(what string, ok func() bool) {
	y.t.Helper()
	for end := time.Now().Add(patience); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			y.t.Fatalf("waited in vain until %s; workers: %+v", what, y.s.Workers())
		}
	}
}

func (y *yard) untilReady(n int) {
	y.t.Helper()
	y.until(strconv.Itoa(n)+" workers are ready", func() bool { return y.s.Ready() == n && len(y.s.Workers()) == n })
}

// get asks the worker for a path.
func (y *yard) get(id, path string) (string, error) {
	up := y.pool.Get(id)
	if up == nil {
		return "", errors.New("not in the pool")
	}
	client := *y.client
	base := "http://" + up.Address
	if up.Network == "unix" {
		base = "http://worker"
		client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", up.Address)
		}}
	}
	resp, err := client.Get(base + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	body, err := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(body)), err
}

func (y *yard) mustGet(id, path, want string) {
	y.t.Helper()
	if got, err := y.get(id, path); got != want || err != nil {
		y.t.Errorf("%s%s: %q, %v; want %q", id, path, got, err, want)
	}
}

func (y *yard) happened(kind event.Kind, words string) bool {
	return slices.ContainsFunc(y.bus.Recent(), func(e event.Event) bool { return e.Kind == kind && strings.Contains(e.Message, words) })
}

// probe stands in for the prober until the test ends.
func (y *yard) probe(every, timeout time.Duration) {
	stop := make(chan struct{})
	var probing sync.WaitGroup
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	one := func(up *pool.Upstream) {
		resp, err := client.Get("http://" + up.Address + "/health")
		st := up.Probe()
		if err != nil {
			if st.Failures++; st.Failures == 1 {
				st.FirstFailure = time.Now()
			}
			st.LastError = err.Error()
		} else {
			_ = resp.Body.Close() // nothing is read of it
			st = pool.ProbeStatus{Passed: st.Passed + 1, LastPassed: time.Now()}
			y.pool.SetHealth(up.ID, true, nil)
		}
		up.SetProbe(st)
	}
	probing.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(every):
			}
			var round sync.WaitGroup
			for _, up := range y.pool.All() {
				round.Go(func() { one(up) })
			}
			round.Wait()
		}
	})
	y.t.Cleanup(func() { close(stop); probing.Wait() })
}

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

func TestReal_WorkersThatNeverServe(t *testing.T) {
	f := func(name, wantWords string, cfg *config.Pool) {
		t.Run(name, func(t *testing.T) {
			cfg.ProcessManagement.StartTimeout = config.Duration(time.Second)
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
	f("elsewhere", "it listens on port", workerPool(1, "elsewhere"))
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
	begin := time.Now()
	y.finish()
	if took := time.Since(begin); took > 4*time.Second { // the waits together are 15 s
		t.Errorf("it took %s", took)
	}
}

func TestReal_WholeTreesAreEnded(t *testing.T) {
	f := func(mode string) {
		t.Run(mode, func(t *testing.T) {
			cfg := workerPool(1, mode, "serve")
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
	f("fork")
	f("daemonize")
}

func TestReal_ListenerOfADescendantCounts(t *testing.T) {
	cfg := workerPool(1, "serve")
	cfg.Command = []string{"/bin/sh", "-c", `"$0" & wait`, cfg.Command[0]}
	y := newYard(t, cfg)
	y.untilReady(1)
	y.mustGet("app-1", "/", "app-1.1")
}

func TestReal_RollAndFailedRoll(t *testing.T) {
	cfg := workerPool(2, "serve")
	y := newYard(t, cfg)
	y.untilReady(2)
	roll, err := y.s.Restart()
	if err != nil {
		t.Fatal(err)
	}
	y.until("the roll has ended", func() bool {
		if y.s.Ready() < 2 {
			t.Error("fewer than two were ready")
		}
		return isDone(roll)
	})
	if roll.Err() != nil || y.pool.Get("app-1.2") == nil || y.pool.Get("app-2.2") == nil || len(y.pool.All()) != 2 {
		t.Fatalf("%v: %+v", roll.Err(), y.s.Workers())
	}
	broken := workerPool(2, "crash", "0", "5")
	if roll, err = y.s.Reconfigure(broken, 5*time.Second, true); err != nil {
		t.Fatal(err)
	}
	y.until("the roll has ended", func() bool { return isDone(roll) })
	if !errors.Is(roll.Err(), ErrRolledBack) || !strings.Contains(roll.Err().Error(), "exit status 5") {
		t.Errorf("it ended with %v", roll.Err())
	}
	y.mustGet("app-1", "/", "app-1.2")
	y.mustGet("app-2", "/", "app-2.2")
}

func isDone(r *Roll) bool {
	select {
	case <-r.Done():
		return true
	default:
		return false
	}
}

func TestReal_ScaleUpAndDown(t *testing.T) {
	y := newYard(t, workerPool(1, "serve"))
	y.untilReady(1)
	for _, n := range []int{4, 2, 0, 1} {
		if err := y.s.Scale(n); err != nil {
			t.Fatal(err)
		}
		y.untilReady(n)
		if got := len(y.pids()); got != n {
			t.Errorf("%d processes for %d workers", got, n)
		}
	}
}

func TestReal_StopDuringARoll(t *testing.T) {
	y := newYard(t, workerPool(2, "slowstart", "500"))
	y.untilReady(2)
	roll, err := y.s.Restart()
	if err != nil {
		t.Fatal(err)
	}
	y.until("a new worker starts", func() bool { return len(y.pids()) == 3 })
	y.finish()
	if !isDone(roll) || !errors.Is(roll.Err(), ErrStopping) {
		t.Errorf("the roll ended with %v", roll.Err())
	}
}

func TestReal_NotifyIsTheWorkersWord(t *testing.T) {
	cfg := workerPool(1, "notify", "300")
	cfg.ProcessManagement.Ready = "notify"
	cfg.HealthCheck.Enabled = true
	y := newYard(t, cfg)
	y.until("it listens", func() bool { return y.pool.Get("app-1") != nil })
	if y.pool.Get("app-1").State() != pool.Starting {
		t.Error("it is routed to before it said READY=1")
	}
	y.untilReady(1)

	silent := workerPool(1, "serve")
	silent.ProcessManagement.Ready = "notify"
	silent.ProcessManagement.StartTimeout = config.Duration(500 * time.Millisecond)
	roll, err := y.s.Reconfigure(silent, 5*time.Second, true)
	if err != nil {
		t.Fatal(err)
	}
	y.until("the roll has ended", func() bool { return isDone(roll) })
	if !errors.Is(roll.Err(), ErrRolledBack) || !strings.Contains(roll.Err().Error(), "has not said that it is ready") {
		t.Errorf("the roll ended with %v", roll.Err())
	}
}

func TestReal_NodeSaysReadyOverTheChannel(t *testing.T) {
	workertest.Need(t, "node")
	cfg := poolConfig(1, func(c *config.Pool) {
		c.Command = []string{"node", "-e", `
			const s = require('http').createServer((q, r) => r.end('node ' + process.env.DROVER_WORKER_ID))
			s.listen(process.env.PORT, process.env.HOST, () => process.send('ready'))`}
		c.ProcessManagement.Ready = "notify"
		c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
	})
	y := newYard(t, cfg)
	y.untilReady(1)
	y.mustGet("app-1", "/", "node app-1.1")
}

func TestReal_PortOfAnotherProcessIsNotUsed(t *testing.T) {
	y := newYard(t, workerPool(1, "slowstart", "400"))
	var stolen net.Listener
	y.until("its port is taken away", func() bool {
		y.s.o.Ports.mu.Lock()
		defer y.s.o.Ports.mu.Unlock()
		for port := range y.s.o.Ports.used {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			stolen = l
			return true
		}
		return false
	})
	defer func() { _ = stolen.Close() }() // only taken
	y.until("another worker is ready elsewhere", func() bool { return y.s.Ready() == 1 })
	up := y.pool.Get("app-1")
	if up.Address == stolen.Addr().String() || up.Generation < 2 || y.s.Restarts()[ReasonPortStolen] == 0 {
		t.Errorf("ready on %s, generation %d, restarts %v", up.Address, up.Generation, y.s.Restarts())
	}
}
