package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/cli"
	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/supervisor"
)

// backend is drover as the admin API sees it.
type backend struct{ d *drover }

// Ready says whether drover can serve: every pool that a listener or route
// names has a ready upstream, and drover is not draining. Without listeners every
// pool counts.
func (b backend) Ready() (bool, []string) {
	var reasons []string
	if b.d.front.Draining() {
		reasons = append(reasons, "drover is draining")
	}
	for _, name := range usedPools(b.d.current()) {
		if p := b.d.pool(name); p == nil || len(p.Snapshot().Upstreams) == 0 {
			reasons = append(reasons, "pool "+name+" has no ready upstream")
		}
	}
	if len(b.d.current().Server.Listeners) == 0 {
		reasons = append(reasons, b.idle()...)
	}
	return len(reasons) == 0, reasons
}

// idle says which pools do nothing, for a drover without listeners: what its
// workers do is all that it does.
func (b backend) idle() []string {
	var reasons []string
	for _, u := range b.d.allUnits() {
		if u.sup != nil && u.sup.Size() > 0 && u.sup.Ready() == 0 {
			reasons = append(reasons, "pool "+u.pool.Name()+" has no ready worker")
		}
	}
	return reasons
}

// usedPools names the pools that a listener or route names, sorted.
func usedPools(cfg *config.Config) []string {
	var names []string
	for _, l := range cfg.Server.Listeners {
		names = append(names, l.Pool)
	}
	for _, r := range cfg.Routes {
		names = append(names, r.Pool)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// Status is the whole in short.
func (b backend) Status() admin.Status {
	ready, reasons := b.Ready()
	s := admin.Status{
		Version: cli.ReadBuild(version).Version, PID: os.Getpid(), UptimeSeconds: time.Since(b.d.started).Seconds(), Health: admin.Healthy,
		Ready: ready, Draining: b.d.front.Draining(), Reasons: reasons, ConfigFile: b.d.source.file(),
		Admin: admin.AdminStatus{Address: b.d.admin.Address(), Socket: b.d.admin.SocketPath()}, Listeners: []admin.Listener{},
	}
	for _, l := range b.d.current().Server.Listeners {
		s.Listeners = append(s.Listeners, admin.Listener{Name: l.Name, Address: l.Address, Protocol: l.Protocol, Pool: l.Pool})
	}
	for _, u := range b.d.allUnits() {
		p := b.summary(u)
		if p.Health != admin.Healthy {
			s.Health = admin.Degraded
		}
		if p.Ready < p.Wanted {
			s.Reasons = append(s.Reasons, fmt.Sprintf("pool %s: %d of %d workers ready", p.Name, p.Ready, p.Wanted))
		}
		if p.Failed > 0 {
			s.Reasons = append(s.Reasons, fmt.Sprintf("pool %s has %d failed slots", p.Name, p.Failed))
		}
		for name, n := range p.Checks {
			s.Checks.Count(name, n)
		}
		if notice := shortage(p); notice != "" {
			s.Notices = append(s.Notices, notice)
		}
		s.Pools = append(s.Pools, p)
		s.Notices = append(s.Notices, notices(u)...)
	}
	if !ready {
		s.Health = admin.Unhealthy
	}
	return s
}

// notices say what of the limits of a pool's workers does not hold as asked, each once.
func notices(u *unit) []string {
	var all []string
	if u.sup == nil {
		return nil
	}
	for _, w := range u.sup.Workers() {
		for _, l := range w.Limits {
			if n := l.Notice(); n != "" {
				all = append(all, "pool "+w.Pool+": "+n)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (b backend) summary(u *unit) admin.PoolSummary {
	s := admin.PoolSummary{
		Name: u.pool.Name(), Health: admin.Healthy, Strategy: u.pool.Config().Strategy,
		Available: len(u.pool.Snapshot().Upstreams), QueueLength: u.pool.QueueLength(),
	}
	for _, up := range u.pool.All() {
		s.UpstreamCount++
		s.InFlight += up.InFlight()
	}
	if u.sup != nil {
		s.Spawns = true
		s.Wanted, s.Ready, s.Rolling = u.sup.Size(), u.sup.Ready(), b.d.rolls.running(s.Name)
		s.AutoScaling = scaling(u)
		for _, w := range u.sup.Workers() {
			if w.PID != 0 {
				s.Workers++
			}
			if w.State == supervisor.Failed {
				s.Failed++
			}
			_, checks := b.d.checks(w.ID)
			s.Checks.Add(checks)
		}
		if u.sup.Degraded() {
			s.Health = admin.Degraded
		}
	}
	able := s.Available
	if u.pool.Config().Background {
		able = s.Ready // whether or not they listen
	}
	if able == 0 && s.Wanted+s.UpstreamCount > 0 {
		s.Health = admin.Unhealthy
	}
	return s
}

// Pools lists the pools with their upstreams.
func (b backend) Pools() []admin.Pool {
	all := []admin.Pool{}
	for _, u := range b.d.allUnits() {
		p := admin.Pool{PoolSummary: b.summary(u), Upstreams: []admin.Upstream{}}
		for _, up := range u.pool.All() {
			p.Upstreams = append(p.Upstreams, upstreamRow(u.pool.Name(), up))
		}
		all = append(all, p)
	}
	return all
}

func upstreamRow(owner string, up *pool.Upstream) admin.Upstream {
	return admin.Upstream{
		ID: up.ID, Pool: owner, Address: address(up.Network, up.Address), Worker: up.Spawned,
		Health: health(up), State: up.State().String(), Weight: up.Weight(), InFlight: up.InFlight(), Requests: up.Requests(),
		ErrorRate: up.ErrorRate(), LatencyMS: float64(up.Latency()) / float64(time.Millisecond), Breaker: up.BreakerState(),
		Drained: up.Drained(), Maintenance: up.Maintenance(), LastError: up.Probe().LastError,
	}
}

// health is how an upstream is, whatever operators want of it.
func health(up *pool.Upstream) string {
	switch state := up.State(); {
	case up.Ejected():
		return "ejected"
	case state == pool.Starting, state == pool.Unhealthy:
		return state.String()
	}
	return pool.Healthy.String()
}

// Workers lists the workers of every pool.
func (b backend) Workers() []admin.Worker {
	all := []admin.Worker{}
	for _, u := range b.d.allUnits() {
		if u.sup == nil {
			continue
		}
		for _, w := range u.sup.Workers() {
			all = append(all, b.workerRow(w))
		}
	}
	return all
}

func (b backend) workerRow(w supervisor.Status) admin.Worker {
	row := admin.Worker{
		ID: w.ID, Pool: w.Pool, Slot: w.Slot, Generation: w.Generation, PID: w.PID, State: w.State.String(), Health: w.Health,
		Address: address(w.Network, w.Address), UptimeSeconds: w.Uptime.Seconds(), Restarts: int(w.Restarts), LastReason: string(w.LastReason),
		InFlight: w.InFlight, Requests: w.Requests, Breaker: w.Breaker, Drained: w.Drained, Maintenance: w.Maintenance,
		LastError: w.LastFault(), Inspector: w.Inspector, Limits: map[string]admin.Limit{}, History: []admin.Life{},
	}
	for _, l := range w.History {
		row.History = append(row.History, admin.Life{Generation: l.Generation, StartedAt: l.Started.UTC(), EndedAt: l.Ended.UTC(),
			Reason: string(l.Reason), Exit: l.Exit, UptimeSeconds: l.Uptime().Seconds()})
	}
	for _, l := range w.Limits {
		row.Limits[l.Name] = admin.Limit{Value: l.Value, Level: string(l.Level)}
	}
	row.LoopDelayMS, row.Checks = b.d.checks(w.ID)
	if r, ok := b.d.runtime(w.ID); ok {
		row.LoopDelayMS, row.HeapBytes, row.HeapLimit = &r.LoopDelayMS, r.HeapBytes, r.HeapLimitBytes
	}
	if sample, ok := b.d.sampler.Latest(w.ID); ok && w.PID != 0 {
		row.CPUPercent, row.MemoryBytes = sample.CPU*100, sample.RSS
		row.OpenFiles, row.Threads, row.Processes = sample.OpenFiles, sample.Threads, sample.Processes
		row.Leak = b.d.leak(w.ID)
	}
	return row
}

// address is how the settings write it.
func address(network, address string) string {
	if network == "unix" {
		return "unix:" + address
	}
	return address
}

// Operation tells how a rolling restart goes on.
func (b backend) Operation(id string) (admin.Operation, bool) { return b.d.rolls.operation(id) }

// Config is the settings in force, secrets hidden.
func (b backend) Config() any { return b.d.current().Redacted() }

// Reload reads the settings again.
func (b backend) Reload() (admin.ReloadResult, error) { return b.d.Reload() }

// Stop ends drover, as SIGTERM does; now: as a second one does.
func (b backend) Stop(now bool) {
	select {
	case b.d.stops <- now:
	default: // enough requests to stop are waiting
	}
}

// refusal chooses the API's status for an error of the supervisor.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, supervisor.ErrUnknownWorker):
		return admin.NotFound("%v", err)
	case errors.Is(err, supervisor.ErrNotPossible), errors.Is(err, supervisor.ErrRollInProgress), errors.Is(err, supervisor.ErrStopping):
		return admin.Conflict("%v", err)
	}
	return err
}
