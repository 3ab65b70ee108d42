package admin

import (
	"encoding/json"
	"time"

	"github.com/drover-proxy/drover/event"
)

// Health of drover as a whole or of a pool.
const (
	Healthy   = "healthy"   // ready, and every pool has what it should have
	Degraded  = "degraded"  // ready, but a pool has fewer ready workers than wanted, or a failed slot
	Unhealthy = "unhealthy" // not ready
)

// Status is the body of GET /api/v1/status.
type Status struct {
	Version       string        `json:"version"`
	PID           int           `json:"pid"`
	UptimeSeconds float64       `json:"uptimeSeconds"`
	Health        string        `json:"health"` // healthy, degraded or unhealthy
	Ready         bool          `json:"ready"`
	Draining      bool          `json:"draining"`
	Reasons       []string      `json:"reasons,omitempty"` // why it is not healthy, for people
	ConfigFile    string        `json:"configFile,omitempty"`
	Admin         AdminStatus   `json:"admin"`
	Listeners     []Listener    `json:"listeners"`
	Pools         []PoolSummary `json:"pools"`
	Checks        CheckCounts   `json:"checks,omitempty"`  // of all pools
	Notices       []string      `json:"notices,omitempty"` // what could not be enforced, and what holds instead
}

// AdminStatus says where this API is.
type AdminStatus struct {
	Address string `json:"address,omitempty"`
	Socket  string `json:"socket,omitempty"`
}

// Listener is one address that clients connect to.
type Listener struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Protocol string `json:"protocol"`
	Pool     string `json:"pool,omitempty"`
}

// PoolSummary is a pool in numbers.
type PoolSummary struct {
	Name          string      `json:"name"`
	Health        string      `json:"health"`
	Strategy      string      `json:"strategy"`
	Spawns        bool        `json:"spawns"`        // drover starts workers for it; false for a pool of addresses only
	Wanted        int         `json:"wanted"`        // workers
	Workers       int         `json:"workers"`       // processes
	Ready         int         `json:"ready"`         // workers that take requests
	Failed        int         `json:"failed"`        // slots whose restart budget is spent
	UpstreamCount int         `json:"upstreamCount"` // workers and addresses
	Available     int         `json:"available"`     // those of them that take requests
	InFlight      int64       `json:"inFlight"`
	QueueLength   int         `json:"queueLength"`
	Rolling       string      `json:"rolling,omitempty"` // id of the rolling restart that is going on
	Checks        CheckCounts `json:"checks,omitempty"`  // of its workers
	AutoScaling   *Scaling    `json:"autoScaling,omitempty"`
}

// Scaling is what autoscaling does with a pool.
type Scaling struct {
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	Desired int    `json:"desired"`           // workers that the load asks for, within min and max
	Manual  bool   `json:"manual"`            // an operator said how many; scale to auto ends that
	Blocked string `json:"blocked,omitempty"` // why more are not started: manual, rolling, max-workers, host-cpu or host-memory
}

// Pool is an element of GET /api/v1/pools and the body of GET /api/v1/pools/{pool}.
type Pool struct {
	PoolSummary
	Upstreams []Upstream `json:"upstreams"`
}

// Upstream is one address that requests go to.
type Upstream struct {
	ID          string  `json:"id"`
	Pool        string  `json:"pool"`
	Address     string  `json:"address"`
	Worker      bool    `json:"worker"` // drover started it
	Health      string  `json:"health"` // starting, healthy, unhealthy or ejected
	State       string  `json:"state"`  // starting, healthy, unhealthy or draining, as the router sees it
	Weight      int     `json:"weight"`
	InFlight    int64   `json:"inFlight"`
	Requests    uint64  `json:"requests"`
	ErrorRate   float64 `json:"errorRate"` // 0 to 1, lately
	LatencyMS   float64 `json:"latencyMs"` // mean time to the first byte, lately
	Breaker     string  `json:"breaker,omitempty"`
	Drained     bool    `json:"drained"`
	Maintenance bool    `json:"maintenance"`
	LastError   string  `json:"lastError,omitempty"` // of the last failed probe
}

// Worker is an element of GET /api/v1/workers and the body of GET /api/v1/workers/{id}.
type Worker struct {
	ID            string           `json:"id"`
	Pool          string           `json:"pool"`
	Slot          int              `json:"slot"`
	Generation    int              `json:"generation"`
	PID           int              `json:"pid"`
	State         string           `json:"state"`  // stopped, starting, running, draining, stopping, backoff or failed
	Health        string           `json:"health"` // starting, healthy, unhealthy or ejected
	Address       string           `json:"address"`
	UptimeSeconds float64          `json:"uptimeSeconds"`
	Restarts      int              `json:"restarts"`
	LastReason    string           `json:"lastReason"`
	CPUPercent    float64          `json:"cpuPercent"` // of one core
	MemoryBytes   uint64           `json:"memoryBytes"`
	OpenFiles     int              `json:"openFiles"`
	Threads       int              `json:"threads"`
	Processes     int              `json:"processes"`
	InFlight      int64            `json:"inFlight"`
	Requests      uint64           `json:"requests"`
	Breaker       string           `json:"breaker"`
	Drained       bool             `json:"drained"`
	Maintenance   bool             `json:"maintenance"`
	LastError     string           `json:"lastError,omitempty"`      // how the slot's last worker ended, where nobody wanted it to
	LoopDelayMS   *float64         `json:"loopDelayMs,omitempty"`    // how late its event loop is: of Node.js and Bun, and where health checks are of type ipc
	HeapBytes     uint64           `json:"heapBytes,omitempty"`      // of Node.js and Bun
	HeapLimit     uint64           `json:"heapLimitBytes,omitempty"` // of Node.js
	Checks        []Check          `json:"checks,omitempty"`         // of the application, as it last answered a health check of type ipc
	Limits        map[string]Limit `json:"limits"`
	Leak          *Leak            `json:"leak,omitempty"`      // missing unless its memory leaks
	Footprint     *Footprint       `json:"footprint,omitempty"` // of one worker that was asked for, where it can be measured
	Inspector     string           `json:"inspector,omitempty"` // where it listens for a debugger, with drover run --inspect
	History       []Life           `json:"history"`             // of the slot's workers that ended, the newest last, at most 20
}

// Life is a worker that has ended.
type Life struct {
	Generation    int       `json:"generation"`
	StartedAt     time.Time `json:"startedAt"`
	EndedAt       time.Time `json:"endedAt"`
	Reason        string    `json:"reason"` // why it left
	Exit          string    `json:"exit"`   // how its process ended
	UptimeSeconds float64   `json:"uptimeSeconds"`
}

// Leak is how the memory of a worker grows.
type Leak struct {
	BytesPerHour     float64 `json:"bytesPerHour"`
	LowBytesPerHour  float64 `json:"lowBytesPerHour"` // it is between these with a confidence of 98%
	HighBytesPerHour float64 `json:"highBytesPerHour"`
	SpanSeconds      float64 `json:"spanSeconds"` // of the readings that this is based on
	LimitBytes       uint64  `json:"limitBytes"`  // resources.maxMemoryPerWorker, or what the machine has left for it
	SecondsToLimit   float64 `json:"secondsToLimit"`
	BytesPerRequest  float64 `json:"bytesPerRequest,omitempty"`
	YoungerWorkers   int     `json:"youngerWorkers"`         // of its pool, not half as old
	YoungerBytes     uint64  `json:"youngerBytes,omitempty"` // what the middle one of them has
}

// Footprint is the memory of a worker's processes in detail. It is measured when
// asked for, at most once a minute.
type Footprint struct {
	At        time.Time `json:"ts"`
	PSSBytes  uint64    `json:"pssBytes"` // pages that processes share divided among them
	USSBytes  uint64    `json:"ussBytes"` // pages of its own: what ending it would free
	SwapBytes uint64    `json:"swapBytes"`
}

// Check is one check of a worker's own.
type Check struct {
	Name    string          `json:"name"`
	OK      bool            `json:"ok"`
	MS      float64         `json:"ms"` // how long it took
	Message string          `json:"message,omitempty"`
	Details json.RawMessage `json:"details,omitempty"`
}

// CheckCount is how many workers a check of some name passes and fails at.
type CheckCount struct {
	Passing int `json:"passing"`
	Failing int `json:"failing"`
}

// CheckCounts are checks by name.
type CheckCounts map[string]CheckCount

// Add counts the checks of a worker.
func (c *CheckCounts) Add(checks []Check) {
	for _, check := range checks {
		if check.OK {
			c.Count(check.Name, CheckCount{Passing: 1})
		} else {
			c.Count(check.Name, CheckCount{Failing: 1})
		}
	}
}

// Count adds to the count of one check; it makes the map where it is nil.
func (c *CheckCounts) Count(name string, n CheckCount) {
	if *c == nil {
		*c = CheckCounts{}
	}
	was := (*c)[name]
	(*c)[name] = CheckCount{Passing: was.Passing + n.Passing, Failing: was.Failing + n.Failing}
}

// Limit is a limit of a worker and the level at which it is enforced.
type Limit struct {
	Value any    `json:"value"`
	Level string `json:"level"`
}

// Operation is work that goes on after the request for it was answered.
type Operation struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"` // restart
	Pool    string `json:"pool"`
	State   string `json:"state"` // running, succeeded or failed
	Message string `json:"message"`
}

// States of an operation.
const (
	Running   = "running"
	Succeeded = "succeeded"
	Failed    = "failed"
)

// Upgraded is the body of POST /api/v1/upgrade: the drover that has taken over.
type Upgraded struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// ReloadResult is the body of POST /api/v1/reload.
type ReloadResult struct {
	Added        []string          `json:"added"`        // pools that are new
	Removed      []string          `json:"removed"`      // pools that are gone
	Rolled       []string          `json:"rolled"`       // pools whose workers are replaced one after another
	Applied      []string          `json:"applied"`      // what changed in place
	NeedsRestart []string          `json:"needsRestart"` // keys that changed and take effect when drover is started anew
	Operations   map[string]string `json:"operations"`   // the rolls' ids by pool
}

// Stopping is the body of 202 to POST /api/v1/stop.
type Stopping struct {
	State string `json:"state"`
}

// ScaleRequest is the body of POST /api/v1/pools/{pool}/scale.
type ScaleRequest struct {
	Workers any `json:"workers"` // a number, 0 to 1024, or "auto": the number in the settings
}

// WeightRequest is the body of POST /api/v1/upstreams/{id}/weight.
type WeightRequest struct {
	Weight *int `json:"weight"` // 0 to 256; 0 takes nothing new
}

// StopRequest is the body of POST /api/v1/stop.
type StopRequest struct {
	Now bool `json:"now"` // do not wait for requests in flight
}

// Started is the body of 202: work goes on under this id.
type Started struct {
	ID string `json:"id"`
}

// Readiness is the body of GET /readyz.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"`
}

// WorkerList is the body of GET /api/v1/workers.
type WorkerList struct {
	Workers []Worker `json:"workers"`
}

// PoolList is the body of GET /api/v1/pools.
type PoolList struct {
	Pools []Pool `json:"pools"`
}

// EventList is the body of GET /api/v1/events.
type EventList struct {
	Events []event.Event `json:"events"`
}
