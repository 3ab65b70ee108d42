package pool

import (
	"errors"
	"io"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

var (
	ErrNoUpstream   = errors.New("no upstream is ready")
	ErrDraining     = errors.New("upstream is draining")
	ErrSaturated    = errors.New("upstream is at its limit of requests in flight")
	ErrBreakerOpen  = errors.New("circuit breaker is open")
	ErrQueueFull    = errors.New("queue is full")
	ErrQueueTimeout = errors.New("waited too long in the queue")
)

// Spec describes an upstream that joins a pool.
type Spec struct {
	ID         string // unique in the pool: app-3.7 for a worker, the configured name otherwise
	Label      string // metric label: app-3 for a worker, the configured name otherwise
	Network    string // tcp or unix
	Address    string // host:port or path
	Weight     int    // 0 to 256
	Spawned    bool   // a worker of ours
	Slot       int    // of a worker, from 1
	Generation int    // of a worker, from 1
	State      State  // Starting (workers, until their first passed probe) or Healthy (static)
}

type Pool struct{}

func New(name string, cfg *config.Pool, bus *event.Bus) *Pool { panic("contract") }

func (p *Pool) Name() string         { panic("contract") }
func (p *Pool) Config() *config.Pool { panic("contract") } // current settings, atomic

// Reconfigure applies changed settings in place (breaker, outlier, queue, static upstreams are added/removed/reweighted).
func (p *Pool) Reconfigure(cfg *config.Pool) { panic("contract") }

// Add puts an upstream into the pool and publishes a new snapshot. Error: the ID is taken.
func (p *Pool) Add(s Spec) (*Upstream, error) { panic("contract") }

// Remove takes an upstream out at once; its attachment is closed. Unknown ids are ignored.
func (p *Pool) Remove(id string) { panic("contract") }

// Get returns an upstream by ID, or by label (then the newest generation), or nil.
func (p *Pool) Get(id string) *Upstream { panic("contract") }

// All returns every upstream, in order of slot then generation, then name.
func (p *Pool) All() []*Upstream { panic("contract") }

// Snapshot is wait-free.
func (p *Pool) Snapshot() *Snapshot { panic("contract") }

// Subscribe returns a channel (buffer 1) that gets a token after each change of membership, state,
// flags or when a draining upstream becomes idle; tokens coalesce. cancel ends it.
func (p *Pool) Subscribe() (changed <-chan struct{}, cancel func()) { panic("contract") }

// Verbs on one upstream; all return false when the id is unknown.
func (p *Pool) SetHealth(id string, healthy bool, cause error) bool { panic("contract") } // starting/healthy/unhealthy transitions, event on change
func (p *Pool) StartDrain(id string) bool                           { panic("contract") } // supervisor's draining: State becomes Draining, final
func (p *Pool) SetDrained(id string, on bool) bool                  { panic("contract") } // operator's flag
func (p *Pool) SetMaintenance(id string, on bool) bool              { panic("contract") } // drain without probes and restarts
func (p *Pool) SetWeight(id string, weight int) bool                { panic("contract") } // 0..256

// SetExpecting is told by the supervisor whether a worker of the pool is starting or will start within
// the queue's timeout: while true, requests that find no upstream wait in the queue.
func (p *Pool) SetExpecting(on bool) { panic("contract") }

// Wait queues (FIFO) until an upstream may be available or `cancel` is closed; returns nil when it is worth
// picking again, else ErrNoUpstream (nothing expected, returns at once), ErrQueueFull, ErrQueueTimeout, or context.Canceled.
// waited accumulates across calls of one request: deadline is absolute.
func (p *Pool) Wait(deadline time.Time, cancel <-chan struct{}) error { panic("contract") }
func (p *Pool) QueueLength() int                                      { panic("contract") }

// Snapshot is the set of upstreams that may receive traffic at one moment.
// It is immutable: the pool publishes a new one on every change.
type Snapshot struct {
	Version   uint64
	Upstreams []*Upstream // eligible, ordered by slot/generation/name
	Panic     bool        // health of static upstreams is being ignored
}

// Upstream: static fields are exported and never change; the rest are atomics.
type Upstream struct {
	Spec
}

func (u *Upstream) State() State           { panic("contract") }
func (u *Upstream) Drained() bool          { panic("contract") }
func (u *Upstream) Maintenance() bool      { panic("contract") }
func (u *Upstream) Ejected() bool          { panic("contract") }
func (u *Upstream) Weight() int            { panic("contract") } // NOTE Spec.Weight is the initial one: rename field if it clashes
func (u *Upstream) InFlight() int64        { panic("contract") }
func (u *Upstream) Requests() uint64       { panic("contract") } // exchanges that got an answer or failed, probes not counted
func (u *Upstream) LastSuccess() time.Time { panic("contract") } // last successful proxied response, zero if none
func (u *Upstream) Latency() time.Duration { panic("contract") } // EWMA of Outcome.Latency
func (u *Upstream) ErrorRate() float64     { panic("contract") } // EWMA 0..1
func (u *Upstream) BreakerState() string   { panic("contract") } // closed, open, half-open; "" when disabled
func (u *Upstream) BreakerTrips() uint64   { panic("contract") }

// Load is set by run.go's glue from monitor samples.
func (u *Upstream) SetLoad(l Load) { panic("contract") }
func (u *Upstream) Load() Load     { panic("contract") }

type Load struct {
	CPU            float64 // cores, e.g. 0.35
	MemoryRatio    float64 // of the limit, 0 when there is none
	EventLoopDelay time.Duration
}

// SetProbe and Probe carry the prober's running result to the supervisor, wait-free.
func (u *Upstream) SetProbe(s ProbeStatus) { panic("contract") }
func (u *Upstream) Probe() ProbeStatus     { panic("contract") }

type ProbeStatus struct {
	Passed       uint64    // probes passed in all
	Failures     int       // in a row
	FirstFailure time.Time // of the row
	LastPassed   time.Time
	LastError    string
	Latency      time.Duration // EWMA of probe latency
}

// Acquire counts a request in, then checks draining/flags, then maxInFlightPerWorker, then asks the breaker.
// A refusal counts it out again. Lease is a value; Release exactly once.
func (u *Upstream) Acquire() (Lease, error) { panic("contract") }

type Lease struct{ Upstream *Upstream }

func (l *Lease) Release(o Outcome) { panic("contract") }

// Attachment returns what the data path keeps with the upstream (its connection pool), made by create on first
// use; the pool closes it when the upstream is removed (or created after removal: closed at once).
func (u *Upstream) Attachment(create func(*Upstream) io.Closer) io.Closer { panic("contract") }
