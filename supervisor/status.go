package supervisor

import (
	"time"

	"github.com/drover-proxy/drover/monitor"
	"github.com/drover-proxy/drover/pool"
)

// Status is what is known of one worker at one moment.
type Status struct {
	ID, Pool         string
	Slot, Generation int
	PID              int // 0 without a process
	State            State
	Health           string // starting, healthy, unhealthy or ejected
	Network, Address string // empty until its listener was found
	Started          time.Time
	Uptime           time.Duration // 0 without a process
	Restarts         uint64        // of the slot
	LastReason       Reason        // why the slot's last worker left; "" when none has
	LastWords        string        // the same in words
	History          []Life        // of the slot's workers that ended, the newest last; must not be changed
	Leaving          Reason        // why this one leaves; "" when it does not
	RetryAt          time.Time     // when the next start is due; zero unless State is Backoff or Failed
	Inspector        string        // host:port where it listens for a debugger; "" where it does not
	MemoryLimit      uint64        // bytes; 0: none
	InFlight         int64
	Requests         uint64
	Breaker          string // closed, open, half-open; empty without one
	Drained          bool
	Maintenance      bool
	Limits           []Limit
}

// LastFault is how the slot's last worker ended, "" where that was wanted.
func (s Status) LastFault() string {
	if s.LastReason.Planned() {
		return ""
	}
	return s.LastWords
}

// Workers returns the status of every worker, in order of slot and generation.
func (s *Supervisor) Workers() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	out := make([]Status, 0, len(s.slots)+1)
	for _, sl := range s.slots {
		for _, w := range []*worker{sl.last, sl.current, sl.next} {
			if w != nil && w.generation > 0 {
				out = append(out, s.statusLocked(sl, w, now))
			}
		}
	}
	return out
}

func (s *Supervisor) statusLocked(sl *slot, w *worker, now time.Time) Status {
	st := Status{
		ID: w.id, Pool: s.pool.Name(), Slot: sl.number, Generation: w.generation, PID: w.pid(), State: w.state, Health: pool.Starting.String(),
		Started: w.started, Restarts: sl.restarts, LastReason: sl.lastReason, LastWords: sl.lastWords, History: sl.history[:len(sl.history):len(sl.history)],
	}
	if w.settings != nil {
		st.MemoryLimit = uint64(w.settings.cfg.Resources.MaxMemoryPerWorker)
	}
	if w.live() {
		st.Uptime = now.Sub(w.started)
	}
	if w.run != nil {
		st.Inspector = w.run.look().inspector
		st.Limits = w.run.look().limits
	}
	switch w.state {
	case Draining, Stopping:
		st.Leaving = w.reason
	case Backoff, Failed:
		st.RetryAt, st.Health = w.retryAt, pool.Unhealthy.String()
	case Stopped:
		st.Health = pool.Unhealthy.String()
	}
	up := w.up
	if up == nil {
		if w.state == Stopping || w.state == Running {
			st.Health = pool.Unhealthy.String()
		}
		return st
	}
	st.Network, st.Address = up.Network, up.Address
	st.InFlight, st.Requests, st.Breaker = up.InFlight(), up.Requests(), up.BreakerState()
	st.Drained, st.Maintenance = up.Drained(), up.Maintenance()
	st.Health = health(up, w)
	return st
}

// health names an upstream's health as the admin API does; draining is a state
// of the worker there.
func health(up *pool.Upstream, w *worker) string {
	switch state := up.State(); {
	case up.Ejected():
		return "ejected"
	case state == pool.Draining || state == pool.Removed:
		if w.readyAt.IsZero() {
			return pool.Starting.String()
		}
		return pool.Healthy.String()
	default:
		return state.String()
	}
}

// Targets returns the processes of each worker, to be measured. Leaks are looked
// for in those that serve: what a worker takes until it is ready is its start.
func (s *Supervisor) Targets() []monitor.Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]monitor.Target, 0, len(s.slots)+1)
	for _, sl := range s.slots {
		for _, w := range sl.workers() {
			if w.run == nil {
				continue
			}
			if f := w.run.look(); f.proc != nil && !f.gone {
				t := monitor.Target{ID: w.id, PIDs: f.proc.Tree, Group: s.pool.Name(), MemoryLimit: w.memoryLimit(), MemoryAlarm: s.alarm(w), Charged: f.proc.Charged, WatchLeaks: w.running() && watchesLeaks(s.cfg)}
				if w.up != nil {
					t.Requests = w.up.Requests()
				}
				out = append(out, t)
			}
		}
	}
	return out
}
