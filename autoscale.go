package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/autoscale"
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
)

// newScaler returns what decides how many workers a unit has, while its
// settings want that.
func (d *drover) newScaler(u *unit) *autoscale.Autoscaler {
	return autoscale.New(autoscale.Options{
		Pool: u.pool.Name(), Scaler: u.sup, Signals: func() autoscale.Signals { return d.signals(u) }, Observer: d.metrics,
	}, autoscale.NewPolicy(u.pool.Config()))
}

// signals are what autoscaling goes by: the workers that take requests, the
// queue, and the machine.
func (d *drover) signals(u *unit) autoscale.Signals {
	now, capacity, host := time.Now(), u.sup.Capacity(), d.sampler.Host()
	in := autoscale.Signals{
		Wanted: capacity.Wanted, Booting: capacity.Coming, Rolling: capacity.Rolling, Manual: capacity.Manual,
		QueueLength: float64(u.pool.QueueLength()), QueueWait: u.pool.QueueWait(now),
		HostMemory: host.MemoryTotal, HostFree: host.MemoryAvailable, HostCPU: max(host.CPU, host.Container.CPU), HostCores: cores(host.Container),
		GroupMemory: host.Container.MemoryTotal, GroupFree: host.Container.MemoryAvailable,
	}
	// What drover may use may be used up while the machine is not.
	in.HostCPU = max(in.HostCPU, d.workersCPU()/in.HostCores)
	clock := u.pool.Clock(now)
	var latency time.Duration
	var memory uint64
	for _, up := range serving(u) {
		if !up.Spawned {
			continue
		}
		load := up.Load()
		in.Ready++
		in.InFlight += float64(up.InFlight())
		in.CPU += load.CPU
		memory += load.Memory
		in.Memory += load.MemoryRatio
		latency += up.LatencyAt(clock)
	}
	if in.Ready > 0 {
		in.Memory /= float64(in.Ready)
		in.ResponseTime = latency / time.Duration(in.Ready)
		in.WorkerMemory = memory / uint64(in.Ready)
	}
	return in
}

// serving are the upstreams that do what the pool is for: those that get
// requests or, where none come, those that are well.
func serving(u *unit) []*pool.Upstream {
	if !u.pool.Config().Background {
		return u.pool.Snapshot().Upstreams
	}
	return slices.DeleteFunc(u.pool.All(), func(up *pool.Upstream) bool { return up.State() != pool.Healthy })
}

// cores is how many CPUs drover and its workers may use.
func cores(c monitor.Container) float64 {
	n := float64(runtime.GOMAXPROCS(0)) // the CPUs that it may run on, or what an operator wrote
	if c.Cores > 0 {
		n = min(n, c.Cores)
	}
	return n
}

// workersCPU is how many cores the workers of all pools use.
func (d *drover) workersCPU() float64 {
	sum := 0.0
	for _, u := range d.allUnits() {
		for _, up := range u.pool.All() {
			sum += up.Load().CPU
		}
	}
	return sum
}

// shortages say what keeps a pool from the workers that its load asks for, if
// that needs somebody to do something.
var shortages = map[autoscale.Block]string{
	autoscale.AtMax:      "autoScaling.maxWorkers does not allow them",
	autoscale.HostCPU:    "the machine, or the container that drover runs in, has no CPU left for them",
	autoscale.HostMemory: "the machine, or the container that drover runs in, has no memory left for them",
}

// shortage is a notice about a pool that is kept from more workers, "" for others.
func shortage(p admin.PoolSummary) string {
	if p.AutoScaling == nil {
		return ""
	}
	why := shortages[autoscale.Block(p.AutoScaling.Blocked)]
	if why == "" {
		return ""
	}
	return fmt.Sprintf("pool %s: the load asks for more workers than the %d that it has, but %s", p.Name, p.Wanted, why)
}

// scaling is what autoscaling does with a unit, nil where it is off.
func scaling(u *unit) *admin.Scaling {
	a := u.pool.Config().AutoScaling
	if !a.Enabled {
		return nil
	}
	last, capacity := u.scaler.Last(), u.sup.Capacity()
	desired := last.Desired
	if desired == 0 { // nothing is decided yet
		desired = capacity.Wanted
	}
	return &admin.Scaling{Min: a.MinWorkers, Max: a.MaxWorkers, Desired: desired, Manual: capacity.Manual, Blocked: string(last.Blocked)}
}
