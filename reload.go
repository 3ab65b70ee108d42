package main

import (
	"errors"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/autoscale"
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
		e.Kind, e.Message = event.ReloadFailed, outcome(err)
	}
	d.bus.Publish(e)
	return result, err
}

// reload does everything that can fail before it changes anything.
func (d *drover) reload() (admin.ReloadResult, config.Difference, error) {
	none := func(err error) (admin.ReloadResult, config.Difference, error) {
		return admin.ReloadResult{}, config.Difference{}, badSettings(err)
	}
	if d.stopping {
		return none(admin.Conflict("drover is stopping; start it again to use new settings"))
	}
	if d.upgrading {
		return none(admin.Conflict("an upgrade is going on, and the new drover reads the settings anyway"))
	}
	if d.source.file() == "" {
		return none(admin.Conflict(
			"drover was started without a settings file, so there is nothing to read again; drover restart app replaces the workers"))
	}
	next, err := d.source.load()
	if err != nil {
		return none(err)
	}
	diff := config.Compare(d.settings, next)
	// What needs a restart is not in force: it stays a difference, and is not shown as if it held.
	next.Admin.Address, next.Admin.Socket = d.settings.Admin.Address, d.settings.Admin.Socket
	next.IPC, next.Cache = d.settings.IPC, d.settings.Cache
	p, err := d.plan(next)
	if err != nil {
		return none(err)
	}
	diff.Rolled = slices.DeleteFunc(diff.Rolled, func(name string) bool {
		if p.units[name].sup != nil {
			return false
		}
		// Nothing is rolled where there are no workers.
		for _, key := range diff.Roll {
			if strings.HasPrefix(key, "pools."+name+".") {
				diff.Apply = append(diff.Apply, key)
			}
		}
		return true
	})
	old, units := d.publish(next, p.units) // the front looks pools up by name
	if err := d.applyShared(old, next); err != nil {
		d.publish(old, units)
		return none(err)
	}
	d.hub.GiveKeys() // those of pools that are new
	result := admin.ReloadResult{
		Added: diff.Added, Removed: diff.Removed, Rolled: diff.Rolled, Applied: diff.Apply, NeedsRestart: diff.Restart, Operations: map[string]string{},
	}
	for _, u := range p.added {
		u.start(d.report)
	}
	for name, check := range p.checks {
		if id := d.reconfigure(name, next, check, slices.Contains(diff.Rolled, name)); id != "" {
			result.Operations[name] = id
		}
	}
	d.sampler.SetInterval(next.Monitoring.SampleInterval.Std())
	for _, u := range p.removed {
		d.dismiss(u)
	}
	return result, diff, nil
}

// applyShared changes what the pools share. When a part of it refuses, those
// before it get the old settings back.
func (d *drover) applyShared(old, next *config.Config) error {
	if err := d.logs.Apply(next.Logging); err != nil {
		return err
	}
	if err := d.admin.Apply(next.Admin); err != nil {
		return errors.Join(err, d.logs.Apply(old.Logging))
	}
	if err := d.front.Apply(next); err != nil {
		return errors.Join(err, d.admin.Apply(old.Admin), d.logs.Apply(old.Logging))
	}
	return nil
}

// plan is what a reload builds before it publishes.
type plan struct {
	units   map[string]*unit // all that there are afterwards
	added   []*unit          // of those, the new ones
	removed []*unit
	checks  map[string]healthcheck.Check // of the pools that stay
}

// plan builds a unit for each pool that is new, or that gets its first command
// or loses it; the unit that such a pool had is removed.
func (d *drover) plan(next *config.Config) (plan, error) {
	p := plan{units: map[string]*unit{}, checks: map[string]healthcheck.Check{}}
	for name, cfg := range next.Pools {
		u := d.unit(name)
		if u == nil || (u.sup != nil) != (len(cfg.Command) > 0) {
			// Two workers of one name would share a socket's path, a log and their numbers.
			if d.leaving(name) {
				return p, admin.Conflict("the workers that pool %s had before still drain; reload again when they are gone", name)
			}
			built, err := d.newUnit(name, cfg, next)
			if err != nil {
				return p, err
			}
			p.units[name], p.added = built, append(p.added, built)
			continue
		}
		check, err := healthcheck.New(cfg, d.checkEnv(name, next))
		if err != nil {
			return p, err
		}
		p.units[name], p.checks[name] = u, check
	}
	for _, u := range d.allUnits() {
		if p.units[u.pool.Name()] != u {
			p.removed = append(p.removed, u)
		}
	}
	return p, nil
}

// publish puts settings and units in force and returns those before.
func (d *drover) publish(next *config.Config, units map[string]*unit) (*config.Config, map[string]*unit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	settings, before := d.settings, d.units
	d.settings, d.units = next, units
	return settings, before
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
	u.scaler.Reconfigure(autoscale.NewPolicy(cfg))
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
	var refused *admin.Error
	if errors.As(err, &refused) {
		return refused
	}
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

// outcome is a refusal in one line, for who sent a signal and reads the log.
func outcome(err error) string {
	var refused *admin.Error
	if !errors.As(err, &refused) || len(refused.Details) == 0 {
		return err.Error()
	}
	return refused.Message + ": " + strings.Join(refused.Details, "; ")
}
