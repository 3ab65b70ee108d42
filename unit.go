package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/drover-proxy/drover/autoscale"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/healthcheck"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/supervisor"
)

// unit is a pool with what keeps it well: its prober, and where it has workers
// their supervisor and autoscaling.
type unit struct {
	pool   *pool.Pool
	prober *healthcheck.Prober
	sup    *supervisor.Supervisor // nil: static upstreams only
	watch  *restarter             // nil: static upstreams only
	scaler *autoscale.Autoscaler  // nil where sup is

	endProbes  context.CancelFunc
	endWorkers context.CancelFunc
	running    sync.WaitGroup
}

// newUnit builds a pool of cfg and its parts; nothing runs yet.
func (d *drover) newUnit(name string, p *config.Pool, cfg *config.Config) (*unit, error) {
	check, err := healthcheck.New(p, d.checkEnv(name, cfg))
	if err != nil {
		return nil, err
	}
	u := &unit{pool: pool.New(name, p, d.bus)}
	u.prober = healthcheck.NewProber(u.pool, p, check, d.metrics)
	warm := warmPaths(cfg.Cache, name)
	if len(warm) > 0 {
		u.prober.Warming = healthcheck.NewWarming(warm...)
	}
	if len(p.Command) == 0 {
		return u, nil
	}
	u.sup, err = supervisor.New(supervisor.Options{
		Pool:         u.pool,
		Config:       p,
		DrainTimeout: cfg.Server.Timeouts.Drain.Std(),
		Starter:      d.spawner,
		Channel:      channel{d.hub},
		Output:       d.collector,
		Bus:          d.bus,
		Environ:      os.Environ(),
		Secrets:      func() []string { return d.current().SecretEnv() },
		RunDir:       d.dir.path,
		Preload:      d.preload,
		Ports:        d.ports,
		Executable:   d.executable,
		Inspect:      d.source.options.Inspect,
		Warming:      len(warm) > 0,
		Leak:         d.sampler.Leaks.Verdict,
	})
	if err != nil {
		return nil, err
	}
	u.watch = newRestarter(u.sup, &d.rolls, d.log)
	u.scaler = d.newScaler(u)
	return u, nil
}

// checkEnv is what the checks of a pool get.
func (d *drover) checkEnv(name string, cfg *config.Config) healthcheck.Env {
	secret := append(cfg.SecretEnv(), "DROVER_ADMIN_TOKEN")
	environ := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(secret, name)
	})
	return healthcheck.Env{Pool: name, Runner: d.spawner, Environ: environ, Pinger: d.pinger(cfg.Pools[name])}
}

// start runs the unit's parts until stop; failed takes the error of one that
// ends before.
func (u *unit) start(failed func(error)) {
	probes, endProbes := context.WithCancel(context.Background())
	workers, endWorkers := context.WithCancel(context.Background())
	u.endProbes, u.endWorkers = endProbes, endWorkers
	u.running.Go(func() { failed(u.prober.Run(probes)) })
	if u.sup != nil {
		u.running.Go(func() { failed(u.sup.Run(workers)) })
		u.watch.set(u.pool.Config())
		u.running.Go(func() { failed(u.watch.run(workers)) })
		u.running.Go(func() { failed(u.scaler.Run(probes)) })
	}
}

// stop ends probes and workers, and returns when their processes are gone.
func (u *unit) stop() {
	u.endProbes()
	u.endWorkers()
	u.running.Wait()
}
