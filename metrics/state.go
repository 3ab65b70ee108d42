package metrics

import "time"

// State is what drover looks like at the moment of a scrape, as rows. Rows with
// the same labels are added up: two generations of a slot share its label.
type State struct {
	Upstreams []UpstreamRow
	Queues    []QueueRow
	Workers   []WorkerRow
	Restarts  []RestartRow
	Scaling   []ScalingRow // of pools with autoscaling
	Processes []ProcessRow
	Runtimes  []RuntimeRow
	Host      *HostRow          // nil where the host is not measured
	LostLines map[string]uint64 // log lines lost by kind: request, worker, drover
	Cache     *CacheRow         // nil where there is none
}

// UpstreamRow is one upstream of one pool.
type UpstreamRow struct {
	Pool, ID, Label string // ID carries the generation, Label does not
	State           string // starting, healthy, unhealthy, draining, ejected, drained or maintenance
	InFlight        int64
	Breaker         string // closed, half-open or open; empty where there is none
	BreakerTrips    uint64 // of this upstream since it joined the pool
}

// QueueRow is the queue of one pool.
type QueueRow struct {
	Pool   string
	Length int
}

// WorkerRow is how many workers of a pool are in a state (interface: stopped,
// starting, running, draining, stopping, backoff, failed).
type WorkerRow struct {
	Pool, State string
	Count       int
}

// RestartRow is how often workers of a pool were restarted for a reason, since drover started.
type RestartRow struct {
	Pool, Reason string
	Count        uint64
}

// ScalingRow is how many workers the load of a pool asks for.
type ScalingRow struct {
	Pool    string
	Desired int
}

// ProcessRow is the last sample of one worker's process tree.
type ProcessRow struct {
	Pool, ID, Label string // ID carries the generation, Label does not
	CPUSeconds      float64
	RSS, Shared     uint64 // bytes; Shared is a part of RSS
	Charged         uint64 // bytes that count against the limit
	OpenFiles       int
	Threads         int
	Processes       int

	VoluntarySwitches, InvoluntarySwitches uint64
	ReadBytes, WrittenBytes                uint64

	LeakPerSecond float64 // bytes; 0 unless its memory leaks
}

// RuntimeRow is what the runtime of one worker, Node.js or Bun, last said of itself.
type RuntimeRow struct {
	Pool, Label    string
	LoopDelay      time.Duration // the longest of its event loop in the second before
	HeapBytes      uint64
	HeapLimitBytes uint64 // 0: it has none of its own
}

// CacheRow is the cache that workers share.
type CacheRow struct {
	Bytes      int64
	Entries    int
	Namespaces []CacheNamespaceRow
}

// CacheNamespaceRow is one namespace of the cache, with totals since drover started.
type CacheNamespaceRow struct {
	Namespace                      string
	Hits, Misses, Evictions, Loads uint64
	LoadTime                       time.Duration // of all loads together
}

// HostRow is the last sample of the machine.
type HostRow struct {
	CPURatio float64           // 0 to 1
	Memory   map[string]uint64 // bytes by kind: total, available

	// What this system does not tell of is nil.
	Pressure map[string]float64 // 0 to 1 by resource: cpu, memory, io
	Disk     map[string]uint64  // bytes by kind: total, available
	Network  map[string]uint64  // bytes by direction: receive, transmit
}
