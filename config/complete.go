package config

import (
	"slices"
	"sort"
	"strings"
)

// complete fills in the defaults that depend on other settings. Only what the
// file does not say is changed.
func (c *Config) complete() {
	for i := range c.Server.Listeners {
		if l := &c.Server.Listeners[i]; l.Name == "" {
			l.Name = l.Address
		}
	}
	for i := range c.Routes {
		if r := &c.Routes[i]; len(r.StripPrefix) > 1 {
			r.StripPrefix = strings.TrimSuffix(r.StripPrefix, "/")
		}
	}
	c.completeCache()
	c.Admin.Socket = strings.TrimPrefix(c.Admin.Socket, "unix:")
	for _, name := range c.PoolNames() {
		c.completePool(name)
	}
}

// completeCache keeps the default bound of an entry from contradicting what is
// written down of the bounds that it lies within.
func (c *Config) completeCache() {
	if !c.origin.has("cache.maxEntryBytes") {
		c.Cache.MaxEntryBytes = min(c.Cache.MaxEntryBytes, c.Cache.MaxBytes, 2*c.IPC.MaxMessageBytes)
	}
}

// PoolNames returns the names of all pools, sorted.
func (c *Config) PoolNames() []string {
	names := make([]string, 0, len(c.Pools))
	for name := range c.Pools {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (c *Config) completePool(name string) {
	p, key := c.Pools[name], join("pools", name)
	for i := range p.Upstreams {
		if u := &p.Upstreams[i]; u.Name == "" {
			u.Name = u.Address
		}
	}
	if p.Directory == "" {
		p.Directory = "."
	}
	silent := func(below string) bool { return !c.origin.has(key + "." + below) }
	if silent("healthCheck.type") && silent("healthCheck.endpoint") && c.onlyRelayed(name) {
		p.HealthCheck.Type = "tcp"
	}
	p.Background = len(p.Command) > 0 && !c.used(name)
	if p.Background && p.ProcessManagement.Ready == "notify" && silent("healthCheck") {
		p.HealthCheck.Enabled = false // it may listen nowhere, and who says so himself needs no probe to become ready
	}
	// A default must not contradict what is written down beside it.
	if silent("healthCheck.timeout") {
		p.HealthCheck.Timeout = min(p.HealthCheck.Timeout, p.HealthCheck.Interval)
	}
	if silent("retry.backoff.max") {
		p.Retry.Backoff.Max = max(p.Retry.Backoff.Max, p.Retry.Backoff.Initial)
	}
	if silent("outlier.maxEjectFor") {
		p.Outlier.MaxEjectFor = max(p.Outlier.MaxEjectFor, p.Outlier.EjectFor)
	}
	mm := &p.Resources.MemoryManagement
	switch warning, critical := silent("resources.memoryManagement.memoryWarningThreshold"), silent("resources.memoryManagement.memoryCriticalThreshold"); {
	case warning:
		mm.MemoryWarningThreshold = min(mm.MemoryWarningThreshold, mm.MemoryCriticalThreshold)
	case critical:
		mm.MemoryCriticalThreshold = max(mm.MemoryWarningThreshold, mm.MemoryCriticalThreshold)
	}
	if silent("processManagement.maxRestartDelay") {
		p.ProcessManagement.MaxRestartDelay = max(p.ProcessManagement.MaxRestartDelay, p.ProcessManagement.RestartDelay)
	}
}

// used reports whether requests or connections may come to a pool.
func (c *Config) used(pool string) bool {
	return slices.ContainsFunc(c.Server.Listeners, func(l Listener) bool { return l.Pool == pool }) ||
		slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Pool == pool }) ||
		slices.ContainsFunc(c.Cache.Warm, func(w Warm) bool { return w.Pool == pool }) ||
		slices.ContainsFunc(c.PoolNames(), func(name string) bool { return c.Pools[name].Fallback.Pool == pool })
}

// onlyRelayed reports whether a pool is used, and by tcp listeners only.
func (c *Config) onlyRelayed(pool string) bool {
	relayed := false
	for _, l := range c.Server.Listeners {
		if l.Pool == pool {
			if l.Protocol != "tcp" {
				return false
			}
			relayed = true
		}
	}
	for _, r := range c.Routes {
		if r.Pool == pool {
			return false
		}
	}
	return relayed
}
