package main

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
)

// pool returns the named pool, or nil.
func (d *drover) pool(name string) *pool.Pool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if u := d.units[name]; u != nil {
		return u.pool
	}
	return nil
}

// unit returns the named unit, or nil.
func (d *drover) unit(name string) *unit {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.units[name]
}

// allUnits returns the units by name.
func (d *drover) allUnits() []*unit {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]*unit, 0, len(d.units))
	for _, u := range d.units {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b *unit) int { return strings.Compare(a.pool.Name(), b.pool.Name()) })
	return all
}

// dismiss stops a unit that the settings no longer have, while everything else goes on.
func (d *drover) dismiss(u *unit) {
	d.mu.Lock()
	d.dismissed[u] = struct{}{}
	d.mu.Unlock()
	go func() {
		u.stop()
		d.mu.Lock()
		delete(d.dismissed, u)
		d.mu.Unlock()
	}()
}

// leaving reports whether a dismissed unit of that name still has workers.
func (d *drover) leaving(name string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for u := range d.dismissed {
		if u.pool.Name() == name && u.sup != nil {
			return true
		}
	}
	return false
}

// unstopped returns all units that may have processes, the dismissed ones too.
func (d *drover) unstopped() []*unit {
	all := d.allUnits()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.AppendSeq(all, maps.Keys(d.dismissed))
}

// stopUnits stops every unit at the same time and waits until the last process is gone.
func (d *drover) stopUnits() {
	var all sync.WaitGroup
	for _, u := range d.unstopped() {
		all.Go(u.stop)
	}
	all.Wait()
}

// killedWorkers is how many workers did not end in the time they had to stop.
func (d *drover) killedWorkers() int {
	n := 0
	for _, u := range d.allUnits() {
		if u.sup != nil {
			n += u.sup.Cut()
		}
	}
	return n
}

// stopFast ends drains and shortens every wait.
func (d *drover) stopFast() {
	d.front.StopFast()
	for _, u := range d.unstopped() {
		if u.sup != nil {
			u.sup.StopFast()
		}
	}
}

// targets are the process trees to measure, also of pools whose workers drain
// since the settings no longer have them: their limits hold to the end.
func (d *drover) targets() []monitor.Target {
	var all []monitor.Target
	for _, u := range d.unstopped() {
		if u.sup != nil {
			all = append(all, u.sup.Targets()...)
		}
	}
	return all
}
