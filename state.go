package main

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/ipc"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/supervisor"
)

// state is what a scrape sees of pools, workers and processes.
func (d *drover) state() metrics.State {
	s := metrics.State{LostLines: d.logs.Dropped(), Host: d.host(), Cache: d.cacheState()}
	for _, u := range d.allUnits() {
		name := u.pool.Name()
		s.Queues = append(s.Queues, metrics.QueueRow{Pool: name, Length: u.pool.QueueLength()})
		for _, up := range u.pool.All() {
			s.Upstreams = append(s.Upstreams, metrics.UpstreamRow{
				Pool: name, ID: up.ID, Label: up.Label, State: routingState(up), InFlight: up.InFlight(),
				Breaker: up.BreakerState(), BreakerTrips: up.BreakerTrips(),
			})
		}
		if u.sup == nil {
			continue
		}
		s.Workers = append(s.Workers, metrics.WorkerRow{Pool: name, State: supervisor.Running.String()}) // a pool of none has 0
		for _, w := range u.sup.Workers() {
			s.Workers = append(s.Workers, metrics.WorkerRow{Pool: name, State: w.State.String(), Count: 1})
			label := fmt.Sprintf("%s-%d", name, w.Slot)
			if r, ok := d.runtime(w.ID); ok {
				s.Runtimes = append(s.Runtimes, metrics.RuntimeRow{
					Pool: name, Label: label, LoopDelay: time.Duration(r.LoopDelayMS * float64(time.Millisecond)), HeapBytes: r.HeapBytes, HeapLimitBytes: r.HeapLimitBytes,
				})
			}
			if sample, ok := d.sampler.Latest(w.ID); ok {
				row := processRow(sample)
				row.Pool, row.ID, row.Label = name, w.ID, label
				if leak := d.leak(w.ID); leak != nil {
					row.LeakPerSecond = leak.BytesPerHour / time.Hour.Seconds()
				}
				s.Processes = append(s.Processes, row)
			}
		}
		if a := scaling(u); a != nil {
			s.Scaling = append(s.Scaling, metrics.ScalingRow{Pool: name, Desired: a.Desired})
		}
		restarts := u.sup.Restarts()
		for _, reason := range supervisor.Reasons() { // from 0 on, so that the first one is an increase
			s.Restarts = append(s.Restarts, metrics.RestartRow{Pool: name, Reason: string(reason), Count: restarts[reason]})
		}
	}
	return s
}

func processRow(s monitor.Sample) metrics.ProcessRow {
	return metrics.ProcessRow{
		CPUSeconds: s.CPUSeconds, RSS: s.RSS, Shared: s.Shared, Charged: s.Charged, OpenFiles: s.OpenFiles, Threads: s.Threads, Processes: s.Processes,
		VoluntarySwitches: s.VoluntarySwitches, InvoluntarySwitches: s.InvoluntarySwitches,
		ReadBytes: s.ReadBytes, WrittenBytes: s.WrittenBytes,
	}
}

// runtimeAge is how long what a runtime said of itself counts: one whose event
// loop is blocked says nothing more.
const runtimeAge = 10 * time.Second

// runtime returns what the runtime of a worker lately said of itself.
func (d *drover) runtime(workerID string) (ipc.Runtime, bool) {
	r, ok := d.hub.Runtime(workerID)
	return r, ok && time.Since(r.At) < runtimeAge
}

// host is the last sample of the machine, nil before the first.
func (d *drover) host() *metrics.HostRow {
	h := d.sampler.Host()
	if h.At.IsZero() || h.MemoryTotal == 0 {
		return nil
	}
	row := &metrics.HostRow{
		CPURatio: h.CPU,
		Memory:   map[string]uint64{"total": h.MemoryTotal, "available": h.MemoryAvailable},
	}
	if c := h.Container; c.MemoryTotal > 0 {
		row.Memory["limit"], row.Memory["limit_available"] = c.MemoryTotal, c.MemoryAvailable
	}
	if p := h.Pressure; p != nil {
		row.Pressure = map[string]float64{"cpu": p.CPU, "memory": p.Memory, "io": p.IO}
	}
	if d := h.Disk; d != nil {
		row.Disk = map[string]uint64{"total": d.Total, "available": d.Available}
	}
	if n := h.Network; n != nil {
		row.Network = map[string]uint64{"receive": n.Received, "transmit": n.Sent}
	}
	return row
}

// routingState is the upstream's state with the flags that override it.
func routingState(up *pool.Upstream) string {
	switch {
	case up.State() == pool.Draining:
		return up.State().String()
	case up.Maintenance():
		return "maintenance"
	case up.Drained():
		return "drained"
	case up.Ejected():
		return "ejected"
	}
	return up.State().String()
}
