package supervisor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// gate is where workers stand before they become what their mode says, as long as it is closed.
type gate struct {
	t    *testing.T
	path string
}

// newGate puts one, which is closed, before the workers of a pool.
func newGate(t *testing.T, cfg *config.Pool) gate {
	t.Helper()
	g := gate{t, filepath.Join(t.TempDir(), "open")}
	cfg.Command = append([]string{"/bin/sh", "-c", `while [ ! -e "$0" ]; do sleep 0.02; done; exec "$@"`, g.path}, cfg.Command...)
	return g
}

func (g gate) open() {
	g.t.Helper()
	if err := os.WriteFile(g.path, nil, 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g gate) close() {
	g.t.Helper()
	if err := os.Remove(g.path); err != nil {
		g.t.Fatal(err)
	}
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
	hub, err := ipc.NewHub(filepath.Join(dir, "n"), ipc.Options{Bus: y.bus})
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
