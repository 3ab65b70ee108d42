package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/process"
)

// clinic is a pool with a prober whose check answers from a map.
type clinic struct {
	pool   *pool.Pool
	cfg    *config.Pool
	prober *Prober

	mu      sync.Mutex
	ill     map[string]bool // by address
	probes  map[string][]time.Time
	results map[string]int
	delay   time.Duration
}

func (c *clinic) Probe(ctx context.Context, target Target) error {
	c.mu.Lock()
	c.probes[target.Address] = append(c.probes[target.Address], time.Now())
	ill, delay := c.ill[target.Address], c.delay
	c.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if ill {
		return errors.New("it is ill")
	}
	return nil
}

func (c *clinic) HealthCheck(_, result string, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results[result]++
}

func (c *clinic) set(address string, ill bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ill[address] = ill
}

func (c *clinic) count(address string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.probes[address])
}

// withClinic runs f in a bubble with static upstreams a and b, and the prober running.
func withClinic(t *testing.T, change func(*config.Pool), f func(t *testing.T, c *clinic)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := &config.Pool{
			Upstreams: []config.Upstream{{Name: "a", Address: "a", Weight: 1}, {Name: "b", Address: "b", Weight: 1}},
			HealthCheck: config.HealthCheck{
				Enabled: true, Interval: config.Duration(5 * time.Second), Timeout: config.Duration(2 * time.Second),
				MaxFailures: 3, MinSuccesses: 2,
			},
		}
		if change != nil {
			change(cfg)
		}
		c := &clinic{cfg: cfg, ill: map[string]bool{}, probes: map[string][]time.Time{}, results: map[string]int{}}
		c.pool = pool.New("p", cfg, nil)
		c.prober = NewProber(c.pool, cfg, c, c)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.prober.Run(ctx) }()
		synctest.Wait()
		f(t, c)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func (c *clinic) wantState(t *testing.T, id string, want pool.State) {
	t.Helper()
	synctest.Wait()
	if got := c.pool.Get(id).State(); got != want {
		t.Errorf("%s is %s, want %s", id, got, want)
	}
}

func (c *clinic) addWorker(t *testing.T) *pool.Upstream {
	t.Helper()
	u, err := c.pool.Add(pool.Spec{
		ID: "p-1.1", Label: "p-1", Network: "tcp", Address: "w", Weight: 1,
		Spawned: true, Slot: 1, Generation: 1, State: pool.Starting,
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestProber_RiseAndFall(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.set("a", true)
		time.Sleep(11 * time.Second) // the probes at about 5 and 10 fail
		c.wantState(t, "a", pool.Healthy)
		st := c.pool.Get("a").Probe()
		if st.Failures != 2 || st.LastError != "it is ill" || st.FirstFailure.IsZero() || st.Passed != 1 {
			t.Errorf("status after two failures: %+v", st)
		}
		time.Sleep(6 * time.Second)
		c.wantState(t, "a", pool.Unhealthy)
		c.wantState(t, "b", pool.Healthy)
		c.set("a", false)
		time.Sleep(5 * time.Second)
		c.wantState(t, "a", pool.Unhealthy) // one of two
		time.Sleep(6 * time.Second)
		c.wantState(t, "a", pool.Healthy)
		if st := c.pool.Get("a").Probe(); st.Failures != 0 || st.LastError != "" || !st.FirstFailure.IsZero() {
			t.Errorf("status after recovery: %+v", st)
		}
	})
}

func TestProber_IntervalHasJitter(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		time.Sleep(10 * time.Minute)
		c.mu.Lock()
		defer c.mu.Unlock()
		gaps := map[time.Duration]bool{}
		for i := 1; i < len(c.probes["a"]); i++ {
			gap := c.probes["a"][i].Sub(c.probes["a"][i-1])
			if gap < 4500*time.Millisecond || gap > 5500*time.Millisecond {
				t.Errorf("%s between two probes", gap)
			}
			gaps[gap] = true
		}
		if n := len(c.probes["a"]); n < 110 || n > 130 || len(gaps) < n/2 {
			t.Errorf("%d probes with %d different gaps in ten minutes", n, len(gaps))
		}
	})
}

func TestProber_StartingIsProbedAtOnceAndOften(t *testing.T) {
	withClinic(t, func(cfg *config.Pool) { cfg.HealthCheck.MinSuccesses = 1 }, func(t *testing.T, c *clinic) {
		c.set("w", true)
		c.addWorker(t)
		synctest.Wait()
		if n := c.count("w"); n != 1 {
			t.Errorf("%d probes at once, want 1", n)
		}
		time.Sleep(60 * time.Millisecond)
		synctest.Wait()
		if n := c.count("w"); n != 3 { // after 20 and 50 ms
			t.Errorf("%d probes in the first 60 ms, want 3", n)
		}
		time.Sleep(10 * time.Second)
		c.wantState(t, "p-1", pool.Starting)
		before := c.count("w")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := c.count("w") - before; n != 10 {
			t.Errorf("%d probes in 5 s at last, want one each 500 ms", n)
		}
		c.set("w", false)
		time.Sleep(500 * time.Millisecond)
		c.wantState(t, "p-1", pool.Healthy)
		before = c.count("w")
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if n := c.count("w") - before; n < 9 || n > 12 {
			t.Errorf("%d probes in 50 s once healthy, want about 10", n)
		}
	})
}

func TestProber_NotifyIsLeftToTheWorker(t *testing.T) {
	withClinic(t, func(cfg *config.Pool) { cfg.ProcessManagement.Ready = "notify" }, func(t *testing.T, c *clinic) {
		c.addWorker(t)
		time.Sleep(time.Minute)
		c.wantState(t, "p-1", pool.Starting)
		c.pool.SetHealth("p-1.1", true, nil)
		c.set("w", true)
		time.Sleep(21 * time.Second)
		c.wantState(t, "p-1", pool.Unhealthy)
		c.set("w", false)
		time.Sleep(16 * time.Second)
		c.wantState(t, "p-1", pool.Healthy)
	})
}

func TestProber_SkipsMaintenanceAndDraining(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.pool.SetMaintenance("a", true)
		c.pool.StartDrain("b")
		a, b := c.count("a"), c.count("b")
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.count("a") != a || c.count("b") != b {
			t.Error("probed in maintenance or while draining")
		}
		c.pool.SetMaintenance("a", false)
		c.pool.SetDrained("a", true) // drained, but probed
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := c.count("a") - a; n < 10 {
			t.Errorf("%d probes in the minute after", n)
		}
	})
}

func TestProber_RemovedIsForgotten(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.pool.Remove("a")
		synctest.Wait()
		a := c.count("a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := c.count("a") - a; n != 0 {
			t.Errorf("%d probes after removal", n)
		}
	})
}

func TestProber_RemovalEndsAProbeThatHangs(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.mu.Lock()
		c.delay = time.Hour
		c.mu.Unlock()
		c.addWorker(t)
		synctest.Wait()
		c.pool.Remove("p-1.1")
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.results["fail"] != 0 {
			t.Error("the probe of a removed upstream was counted")
		}
	})
}

func TestProber_TimeoutIsAFailure(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.mu.Lock()
		c.delay = time.Hour
		c.mu.Unlock()
		time.Sleep(30 * time.Second)
		c.wantState(t, "a", pool.Unhealthy)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.results["late"] != 0 || c.results["fail"] < 6 {
			t.Errorf("results %v", c.results)
		}
	})
}

func TestProber_LateFailuresDoNotCount(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.set("a", true)
		u := c.pool.Get("a")
		pt := &patient{upstream: u, tracker: NewTracker(1, 1)}
		now := time.Now()
		c.prober.probe(t.Context(), c.prober.current(), pt, now.Add(-time.Second)) // planned a second ago
		c.wantState(t, "a", pool.Healthy)
		c.prober.pulse.beat(now.Add(time.Minute)) // we stand still, for what the pulse knows
		c.prober.probe(t.Context(), c.prober.current(), pt, now)
		c.wantState(t, "a", pool.Healthy)
		c.mu.Lock()
		if c.results["late"] != 2 || c.results["fail"] != 0 {
			t.Errorf("results %v", c.results)
		}
		c.mu.Unlock()
		c.set("a", false) // a success counts, however late
		c.prober.probe(t.Context(), c.prober.current(), pt, now.Add(-time.Second))
		if u.Probe().Passed != 1 {
			t.Errorf("status %+v", u.Probe())
		}
	})
}

func TestProber_OwnShortageIsNoFailure(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		u := c.pool.Get("a")
		f := func(err error, failures int) {
			t.Helper()
			pt := &patient{upstream: u, tracker: NewTracker(1, 3)}
			s := *c.prober.current()
			s.check = failing{err}
			c.prober.probe(t.Context(), &s, pt, time.Now())
			if st := u.Probe(); st.Failures != failures || st.LastError == "" || st.FirstFailure.IsZero() != (failures == 0) {
				t.Errorf("after %v the status is %+v, want %d failures", err, st, failures)
			}
		}
		dial := func(errno syscall.Errno) error {
			return fmt.Errorf("GET /: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)})
		}
		f(dial(syscall.EMFILE), 0)
		f(dial(syscall.ENFILE), 0)
		f(dial(syscall.EADDRNOTAVAIL), 0)
		f(&process.StartError{Op: "fork", Err: syscall.EAGAIN}, 0)
		f(&process.StartError{Op: "lookup", Err: syscall.ENOENT}, 1)
		f(dial(syscall.ECONNREFUSED), 1)
		f(dial(syscall.EAGAIN), 1) // the queue of a Unix socket is full
	})
}

// failing is a check that always says the same.
type failing struct{ err error }

func (f failing) Probe(context.Context, Target) error { return f.err }

func TestProber_Reconfigure(t *testing.T) {
	withClinic(t, nil, func(t *testing.T, c *clinic) {
		c.set("a", true)
		cfg := *c.cfg
		cfg.HealthCheck.Interval = config.Duration(time.Second)
		cfg.HealthCheck.MaxFailures = 2
		c.prober.Reconfigure(&cfg, c)
		time.Sleep(2500 * time.Millisecond)
		c.wantState(t, "a", pool.Unhealthy)
		cfg2 := cfg
		cfg2.HealthCheck.Enabled = false
		c.prober.Reconfigure(&cfg2, nil)
		c.wantState(t, "a", pool.Healthy)
		n := c.count("a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.count("a") != n {
			t.Error("probed though switched off")
		}
		c.prober.Reconfigure(&cfg, c)
		time.Sleep(4 * time.Second)
		c.wantState(t, "a", pool.Unhealthy)
	})
}

func TestProber_WhatListensNowhereIsAskedOverItsChannelOnly(t *testing.T) {
	f := func(kind string, want pool.State) {
		t.Helper()
		withClinic(t, func(cfg *config.Pool) { cfg.HealthCheck.Type = kind }, func(t *testing.T, c *clinic) {
			if _, err := c.pool.Add(pool.Spec{ID: "p-1.1", Label: "p-1", Spawned: true, Slot: 1, Generation: 1, State: pool.Starting}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			c.wantState(t, "p-1.1", want)
			if asked := c.count("") > 0; asked != (want == pool.Healthy) {
				t.Errorf("%s: asked %v", kind, asked)
			}
		})
	}
	f("http", pool.Starting)
	f("tcp", pool.Starting)
	f("exec", pool.Healthy)
	f("ipc", pool.Healthy)
}
