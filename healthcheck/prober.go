package healthcheck

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// Observer counts probes. It is satisfied by *metrics.Metrics.
type Observer interface {
	// HealthCheck is told of each probe: result is pass, fail or late.
	HealthCheck(pool, result string, d time.Duration)
}

// Prober probes the upstreams of one pool, each in a goroutine of its own, for
// as long as they are members, and reports to the pool.
type Prober struct {
	// Warming is asked of each worker that drover has started before it gets
	// requests, once it is ready otherwise: by probes, or where it speaks for
	// itself, or is not probed, when its supervisor says so (pool.Upstream.SayReady).
	// It is set before Run; nil: nothing is.
	Warming *Warming

	pool  *pool.Pool
	obs   Observer
	pulse *pulse

	mu       sync.Mutex
	settings *settings
}

// settings are what the probes go by; a change replaces them and wakes all.
type settings struct {
	config.HealthCheck
	check    Check
	byNotify bool // spawned workers become ready by their own word
	warmTime time.Duration
	replaced chan struct{}
}

func newSettings(cfg *config.Pool, check Check) *settings {
	return &settings{
		HealthCheck: cfg.HealthCheck,
		check:       check,
		byNotify:    cfg.ProcessManagement.Ready == "notify",
		warmTime:    max(cfg.ProcessManagement.StartTimeout.Std(), time.Millisecond),
		replaced:    make(chan struct{}),
	}
}

// timeout bounds a probe; without one of its own it has the interval.
func (s *settings) timeout() time.Duration {
	return cmp.Or(max(s.Timeout, 0), max(s.Interval, config.Duration(time.Millisecond))).Std()
}

// NewProber returns a Prober; obs may be nil. While cfg.HealthCheck.Enabled is
// false it probes nothing, and check may be nil.
func NewProber(p *pool.Pool, cfg *config.Pool, check Check, obs Observer) *Prober {
	return &Prober{pool: p, obs: obs, pulse: newPulse(time.Now()), settings: newSettings(cfg, check)}
}

// Run probes until ctx is done; it returns nil when its goroutines are gone.
func (p *Prober) Run(ctx context.Context) error {
	changed, cancel := p.pool.Subscribe()
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { p.pulse.run(ctx) })
	patients := make(map[*pool.Upstream]context.CancelFunc)
	defer func() {
		for _, stop := range patients {
			stop()
		}
	}()
	for {
		present := make(map[*pool.Upstream]bool)
		for _, u := range p.pool.All() {
			present[u] = true
			if patients[u] == nil {
				uctx, stop := context.WithCancel(ctx)
				patients[u] = stop
				wg.Go(func() { p.follow(uctx, u) })
			}
		}
		for u, stop := range patients {
			if !present[u] {
				stop()
				delete(patients, u)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// Reconfigure applies changed settings at once; rows of probes go on. When
// probing is switched off, upstreams that it has found ill count as well again.
func (p *Prober) Reconfigure(cfg *config.Pool, check Check) {
	p.mu.Lock()
	old := p.settings
	p.settings = newSettings(cfg, check)
	p.mu.Unlock()
	close(old.replaced)
	if cfg.HealthCheck.Enabled {
		return
	}
	for _, u := range p.pool.All() {
		if u.State() == pool.Unhealthy {
			p.pool.SetHealth(u.ID, true, nil)
		}
	}
}

func (p *Prober) current() *settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings
}
