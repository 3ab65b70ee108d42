package main

import (
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/healthcheck"
)

// Reload reads the settings again and acts on the difference: what is unchanged
// keeps its connections and workers. Wrong settings leave everything as it was.
func (d *drover) Reload() (admin.ReloadResult, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	result, diff, err := d.reload()
	d.metrics.Reload(err == nil)
	e := event.Event{Kind: event.ReloadSucceeded, Subject: d.source.file(), Message: diff.String()}
	if err != nil {
		e.Kind, e.Message = event.ReloadFailed, err.Error()
	}
	d.bus.Publish(e)
	return result, err
}

// reload does everything that can fail before it changes anything.
func (d *drover) reload() (admin.ReloadResult, config.Difference, error) {
	none := func(err error) (admin.ReloadResult, config.Difference, error) {
		return admin.ReloadResult{}, config.Difference{}, badSettings(err)
	}
	if d.front.Draining() {
		return admin.ReloadResult{}, config.Difference{}, admin.Conflict("drover is stopping; start it again to use new settings")
	}
	if d.source.file() == "" {
		return admin.ReloadResult{}, config.Difference{}, admin.Conflict(
			"drover was started without a settings file, so there is nothing to read again; drover restart app replaces the workers")
	}
	next, err := d.source.load()
	if err != nil {
		return none(err)
	}
	diff := config.Compare(d.settings, next)
	p, err := d.plan(next, diff)
	if err != nil {
		return none(err)
	}
	old := d.publish(next, p.added, nil) // the front looks pools up by name
	if err := d.front.Apply(next); err != nil {
		d.publish(old, nil, diff.Added)
		return none(err)
	}
	result := admin.ReloadResult{Rolled: diff.Rolled, Applied: diff.Apply, NeedsRestart: diff.Restart, Operations: map[string]string{}}
	for _, u := range p.added {
		u.start(d.report)
	}
	for name, check := range p.checks {
		if id := d.reconfigure(name, next, check, slices.Contains(diff.Rolled, name)); id != "" {
			result.Operations[name] = id
		}
	}
	if err := errors.Join(d.logs.Apply(next.Logging), d.admin.Apply(next.Admin)); err != nil {
		d.log.Warn("a part of the settings could not be applied", zap.Error(err))
	}
	d.sampler.SetInterval(next.Monitoring.SampleInterval.Std())
	for _, u := range p.removed {
		go u.stop()
	}
	d.publish(next, nil, diff.Removed)
	return result, diff, nil
}

// plan is what a reload builds before it publishes.
type plan struct {
	added   map[string]*unit
	removed []*unit
	checks  map[string]healthcheck.Check // of the pools that stay and changed
}

func (d *drover) plan(next *config.Config, diff config.Difference) (plan, error) {
	p := plan{added: map[string]*unit{}, checks: map[string]healthcheck.Check{}}
	for _, name := range diff.Added {
		u, err := d.newUnit(name, next.Pools[name], next)
		if err != nil {
			return p, err
		}
		p.added[name] = u
	}
	for _, name := range diff.Removed {
		p.removed = append(p.removed, d.unit(name))
	}
	for name, cfg := range next.Pools {
		if p.added[name] != nil {
			continue
		}
		check, err := healthcheck.New(cfg, d.exec(name, next))
		if err != nil {
			return p, err
		}
		p.checks[name] = check
	}
	return p, nil
}

// publish puts settings in force, adds units and takes others out. It returns
// the settings before.
func (d *drover) publish(next *config.Config, add map[string]*unit, remove []string) *config.Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.settings
	d.settings = next
	for name, u := range add {
		d.units[name] = u
	}
	for _, name := range remove {
		delete(d.units, name)
	}
	return old
}

// reconfigure applies settings to a pool that stays, and returns the id of the
// roll that this needs, if any.
func (d *drover) reconfigure(name string, next *config.Config, check healthcheck.Check, roll bool) string {
	u, cfg := d.unit(name), next.Pools[name]
	u.pool.Reconfigure(cfg)
	u.prober.Reconfigure(cfg, check)
	if u.sup == nil {
		return ""
	}
	started, err := u.sup.Reconfigure(cfg, next.Server.Timeouts.Drain.Std(), roll)
	if err != nil {
		d.log.Error("roll after reload", zap.String("pool", name), zap.Error(err))
	}
	if started == nil {
		return ""
	}
	return d.rolls.add(started)
}

// reloadBySignal is a reload whose outcome is told by event and metric.
func (d *drover) reloadBySignal() { _, _ = d.Reload() }

// badSettings is the API's refusal, with a line for each fault.
func badSettings(err error) error {
	var faults config.Faults
	if !errors.As(err, &faults) {
		return admin.BadSettings(err.Error(), nil)
	}
	details := make([]string, len(faults))
	for i, f := range faults {
		details[i] = f.Error()
	}
	return admin.BadSettings("the settings are wrong; nothing was changed", details)
}
