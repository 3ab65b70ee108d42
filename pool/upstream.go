package pool

import (
	"net"
	"sync/atomic"
	"time"
)

// cacheLine keeps words that one core writes often away from those that others read.
type cacheLine [64]byte

// Upstream is an address that the proxy may send to: a worker or a configured
// address. The exported fields never change; everything else is read through
// methods, which are wait-free and safe for concurrent use.
//
// What decides about routing (state, flags, weight) is written by the pool
// under its lock only; the request path writes the counters.
type Upstream struct {
	ID         string               // unique in the pool: app-3.7, or the configured name
	Label      string               // app-3, or the configured name
	Network    string               // tcp or unix
	Address    string               // host:port or path; "" for a worker that listens nowhere, which gets no requests
	Verify     func(net.Conn) error // of each connection to it before anything is sent; nil: any is good
	Spawned    bool                 // a worker of ours
	Slot       int                  // of a worker, from 1; 0 otherwise
	Generation int                  // of a worker, from 1; 0 otherwise

	pool       *Pool
	configured int  // the weight it joined with; guarded by Pool.mu
	static     bool // it comes from the settings; guarded by Pool.mu

	// Read by every request, written when something changes.
	gate     gate
	state    atomic.Uint32
	weight   atomic.Int32
	breaker  atomic.Pointer[breaker] // nil when disabled
	load     atomic.Pointer[Load]
	probe    atomic.Pointer[ProbeStatus]
	trips    atomic.Uint64
	warmFrom atomic.Int64 // clock reading when it became healthy; 0: it was from the beginning
	attachment
	ejection ejection // guarded by Pool.mu
	word     word

	// Written by every request, and together just one cache line.
	_           cacheLine
	inFlight    atomic.Int64
	requests    atomic.Uint64
	lastSuccess atomic.Int64 // clock reading, 0: none
	latency     average      // nanoseconds
	errorRate   average      // 0 to 1
	errorsInRow atomic.Int32 // as the outlier rule counts them
	_           cacheLine
}

func newUpstream(p *Pool, s Spec) *Upstream {
	u := &Upstream{
		ID: s.ID, Label: s.Label, Network: s.Network, Address: s.Address, Verify: s.Verify,
		Spawned: s.Spawned, Slot: s.Slot, Generation: s.Generation,
		pool: p,
	}
	if u.Label == "" {
		u.Label = u.ID
	}
	if s.Spawned && s.Weight == 0 {
		s.Weight = 1
	}
	u.configured = min(max(s.Weight, 0), MaxWeight)
	u.weight.Store(int32(u.configured))
	u.state.Store(uint32(s.State))
	u.word.said = make(chan struct{})
	u.gate.raise(gateOut)
	u.errorRate.start(p.clock.tick(time.Now()))
	return u
}

// State returns the routing state.
func (u *Upstream) State() State { return State(u.state.Load()) }

// Drained tells whether an operator has drained it.
func (u *Upstream) Drained() bool { return u.gate.has(gateDrained) }

// Maintenance tells whether it is in maintenance: drained, not probed, not restarted.
func (u *Upstream) Maintenance() bool { return u.gate.has(gateMaintenance) }

// Ejected tells whether errors in a row have taken it out for a while.
func (u *Upstream) Ejected() bool { return u.gate.has(gateEjected) }

// Weight returns the present weight, 0 to MaxWeight.
func (u *Upstream) Weight() int { return int(u.weight.Load()) }

// InFlight returns the number of leases that are not released yet.
func (u *Upstream) InFlight() int64 { return u.inFlight.Load() }

// Requests returns the number of exchanges that got an answer or failed. Probes do not count.
func (u *Upstream) Requests() uint64 { return u.requests.Load() }

// LastSuccess returns when the last exchange ended well, the zero time if none did.
func (u *Upstream) LastSuccess() time.Time {
	if reading := u.lastSuccess.Load(); reading != 0 {
		return u.pool.clock.epoch.Add(time.Duration(reading)) // not of the time of day, which may be set
	}
	return time.Time{}
}

// Latency returns the running average of Outcome.Latency over exchanges that ended well, 0 before the first.
func (u *Upstream) Latency() time.Duration { return time.Duration(u.latency.value()) }

// LatencyAt is Latency half forgotten for each averaging time (3 s) without a new value, so that an
// upstream that was slow once is tried again. now is a reading of Snapshot.Clock.
func (u *Upstream) LatencyAt(now time.Duration) time.Duration {
	idle := int64(now) - u.latency.last.Load()
	return time.Duration(u.latency.value()) >> min(max(idle, 0)/int64(averageOver), 62)
}

// ErrorRate returns the running share of exchanges that failed as the breaker counts failures, 0 to 1.
func (u *Upstream) ErrorRate() float64 { return u.errorRate.value() }

// Load is what is known of a worker's use of its machine.
type Load struct {
	CPU            float64 // cores, e.g. 0.35
	Memory         uint64  // resident, in bytes; 0: not known
	MemoryRatio    float64 // of its limit; 0 where it has none
	EventLoopDelay time.Duration
}

// SetLoad stores a new sample.
func (u *Upstream) SetLoad(l Load) { u.load.Store(&l) }

// Load returns the last sample, zero when there is none.
func (u *Upstream) Load() Load {
	if l := u.load.Load(); l != nil {
		return *l
	}
	return Load{}
}

// ProbeStatus is the running result of the active probes of one upstream.
type ProbeStatus struct {
	Passed       uint64    // probes passed in all
	Failures     int       // in a row
	FirstFailure time.Time // of the row
	LastPassed   time.Time
	LastError    string        // of the last failed one; empty after a passed one
	Latency      time.Duration // running average over passed probes
	Warming      bool          // it is well, and asked for what warms caches before it gets requests
}

// SetProbe stores the prober's result.
func (u *Upstream) SetProbe(s ProbeStatus) { u.probe.Store(&s) }

// Probe returns the prober's result, zero before the first probe.
func (u *Upstream) Probe() ProbeStatus {
	if s := u.probe.Load(); s != nil {
		return *s
	}
	return ProbeStatus{}
}
