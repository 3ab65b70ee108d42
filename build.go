package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/cli"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/logs"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/process"
	"github.com/drover-proxy/drover/proxy"
	"github.com/drover-proxy/drover/supervisor"
)

// rememberedEvents is how many events `drover events` can look back at.
const rememberedEvents = 1000

// build makes every part. No worker runs and nothing listens yet; on error what
// was made is closed again.
func build(from source, cfg *config.Config, inherits *legacy) (_ *drover, err error) {
	d := &drover{
		source: from, started: time.Now(), settings: cfg, units: make(map[string]*unit), dismissed: make(map[*unit]struct{}),
		stops: make(chan bool, 4), failed: make(chan error, 1), manager: findServiceManager(), legacy: inherits,
		upgrading: inherits != nil, replaced: make(chan struct{}),
	}
	if d.executable, err = ownProgram(); err != nil {
		return nil, err
	}
	if d.logs, err = logs.New(cfg.Logging, os.Stderr); err != nil {
		return nil, err
	}
	d.log = d.logs.Logger("drover")
	d.access = d.logs.AccessLog(cfg.Logging.AccessLog)
	d.bus = event.NewBus(rememberedEvents)
	d.logs.OnTrouble(d.logTrouble)
	d.collector = logs.NewCollector(d.logs, d.bus)
	b := cli.ReadBuild(version)
	d.metrics = metrics.New(metrics.BuildInfo{Version: b.Version, Commit: b.Commit, GoVersion: b.GoVersion})
	d.metrics.Watch(d.state)
	for _, step := range []func() error{d.buildProcesses, d.buildUnits, d.buildFronts} {
		if err := step(); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// buildProcesses makes what starts and measures processes.
func (d *drover) buildProcesses() (err error) {
	if d.spawner, err = process.New(process.Options{Guardian: true, Subreaper: true}); err != nil {
		return err
	}
	if d.dir, err = newRunDir(admin.SocketFolders(os.Getenv)); err != nil {
		return err
	}
	if d.preload, err = supervisor.WritePreload(d.dir.path); err != nil {
		return err
	}
	if err = d.buildCache(); err != nil {
		return err
	}
	if err = d.buildHub(filepath.Join(d.dir.path, "n")); err != nil {
		return err
	}
	d.ports = supervisor.NewPortAllocator()
	d.sampler = monitor.NewSampler(d.settings.Monitoring.SampleInterval.Std(), d.targets)
	d.sampler.OnSample = d.setLoad
	d.sampler.Leaks = monitor.NewLeakWatch(monitor.DefaultLeakDetector)
	d.sampler.Leaks.OnLeak = d.tellLeak
	return nil
}

func (d *drover) buildUnits() error {
	for name, pool := range d.settings.Pools {
		u, err := d.newUnit(name, pool, d.settings)
		if err != nil {
			return fmt.Errorf("pools.%s: %w", name, err)
		}
		d.units[name] = u
	}
	d.proven.Store(!slices.ContainsFunc(d.allUnits(), func(u *unit) bool { return u.sup != nil }))
	return nil
}

// buildFronts makes what faces clients and operators.
func (d *drover) buildFronts() (err error) {
	var listeners, adminSockets map[string]*os.File
	if d.legacy != nil {
		listeners, adminSockets = d.legacy.listeners, d.legacy.admin
	}
	d.front = proxy.New(proxy.Options{
		Inherited: listeners,
		Metrics:   d.metrics, AccessLog: d.access, Log: d.logs.Logger("proxy"), Bus: d.bus, Pools: d.pool,
		StickyKey: func() ([]byte, error) { return stickyKey(filepath.Dir(d.dir.path)) },
	})
	d.admin, err = admin.New(admin.Options{
		Config: d.settings.Admin, Backend: backend{d}, Metrics: d.metrics.Handler(), Bus: d.bus, Log: d.logs.Logger("admin"),
		Inherited: adminSockets,
	})
	return err
}

// open opens the listeners; requests queue until the first worker is ready.
func (d *drover) open() error {
	if err := d.admin.Listen(); err != nil {
		return err
	}
	err := d.front.Apply(d.settings)
	if d.legacy != nil {
		d.legacy.opened()
	}
	return err
}

// close frees what build made, in reverse order.
func (d *drover) close() {
	report := func(what string, err error) {
		if err != nil {
			d.log.Warn("close "+what, zap.Error(err))
		}
	}
	if d.spawner != nil {
		report("the spawner", d.spawner.Close())
	}
	if d.hub != nil {
		report("the workers' channels", d.hub.Close())
	}
	if d.cache != nil {
		d.cache.store.Close()
	}
	if d.audit != nil {
		d.audit.Close()
	}
	d.collector.Close()
	if d.dir != nil {
		d.dir.remove()
	}
	_ = d.logs.Close() // there is nowhere left to say it
}
