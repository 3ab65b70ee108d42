package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	upstreamStateDesc    = desc("upstream_state", "1 for the state an upstream is in (two generations of a worker may be in two), else 0.", "pool", "upstream", "state")
	upstreamInFlightDesc = desc("upstream_in_flight", "Requests that an upstream is working on.", "pool", "upstream")
	breakerStateDesc     = desc("circuit_breaker_state", "0: closed, 1: half-open, 2: open.", "pool", "upstream")
	breakerTripsDesc     = desc("circuit_breaker_trips_total", "How often a circuit breaker opened.", "pool", "upstream")
	queueLengthDesc      = desc("queue_length", "Requests that wait for an upstream.", "pool")
	workersDesc          = desc("workers", "Workers by the state of their process.", "pool", "state")
	restartsDesc         = desc("worker_restarts_total", "Restarts of workers by reason.", "pool", "reason")
	desiredDesc          = desc("autoscale_desired_workers", "Workers that the load asks for, within minWorkers and maxWorkers, before cooldowns and guards.", "pool")
	workerCPUDesc        = desc("worker_cpu_seconds_total", "CPU time of a worker's process tree, as seen at scrapes.", "pool", "worker")
	workerMemoryDesc     = desc("worker_memory_bytes", "Memory of a worker's process tree.", "pool", "worker", "kind")
	workerFilesDesc      = desc("worker_open_files", "Open descriptors of a worker's process tree.", "pool", "worker")
	workerThreadsDesc    = desc("worker_threads", "Threads of a worker's process tree.", "pool", "worker")
	workerProcessesDesc  = desc("worker_processes", "Processes of a worker's process tree.", "pool", "worker")
	workerSwitchesDesc   = desc("worker_context_switches_total", "Context switches of a worker's process tree, as seen at scrapes.", "pool", "worker", "kind")
	workerIODesc         = desc("worker_io_bytes_total", "Bytes that a worker's process tree read from disks and wrote to them, as seen at scrapes.", "pool", "worker", "direction")
	workerLeakDesc       = desc("worker_leak_bytes_per_second", "How fast the memory of a worker leaks, 0 when it does not.", "pool", "worker")
	workerLoopDesc       = desc("worker_event_loop_delay_seconds", "The longest that the event loop of a worker of Node.js or Bun was late in the last second.", "pool", "worker")
	workerHeapDesc       = desc("worker_heap_bytes", "Heap of a worker of Node.js or Bun: what is used of it, and its limit where there is one.", "pool", "worker", "kind")
	hostCPUDesc          = desc("host_cpu_ratio", "Share of the machine's CPU time that is used, 0 to 1.")
	hostMemoryDesc       = desc("host_memory_bytes", "Memory of the machine.", "kind")
	hostPressureDesc     = desc("host_pressure_ratio", "Share of the last ten seconds in which something had to wait for a resource, 0 to 1.", "resource")
	hostDiskDesc         = desc("host_disk_bytes", "File system of the folder that drover was started in.", "kind")
	hostNetworkDesc      = desc("host_network_bytes_total", "Bytes through the machine's interfaces but loopback.", "direction")
	lostLinesDesc        = desc("log_lines_lost_total", "Log lines that could not be written fast enough, or at all, by kind: request, worker, drover.", "kind")
)

// upstreamStates and workerStates are the closed sets; each is always exposed,
// so that a query for a state that nobody is in finds 0.
var (
	upstreamStates = []string{"starting", "healthy", "unhealthy", "draining", "ejected", "drained", "maintenance"}
	workerStates   = []string{"stopped", "starting", "running", "draining", "stopping", "backoff", "failed"}
)

// watched asks for the present state and turns it into metrics.
type watched struct {
	mu    sync.Mutex
	src   func() State
	cpu   growth
	trips growth

	voluntary, involuntary growth // context switches
	read, written          growth // bytes
}

func newWatched() *watched {
	return &watched{
		cpu: newGrowth(), trips: newGrowth(), voluntary: newGrowth(), involuntary: newGrowth(), read: newGrowth(), written: newGrowth(),
	}
}

func (w *watched) set(src func() State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.src = src
}

// Describe lists the metrics.
func (w *watched) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		upstreamStateDesc, upstreamInFlightDesc, breakerStateDesc, breakerTripsDesc, queueLengthDesc,
		workersDesc, restartsDesc, desiredDesc, workerCPUDesc, workerMemoryDesc, workerFilesDesc, workerLoopDesc, workerHeapDesc,
		workerThreadsDesc, workerProcessesDesc, workerSwitchesDesc, workerIODesc, workerLeakDesc,
		hostCPUDesc, hostMemoryDesc, hostPressureDesc, hostDiskDesc, hostNetworkDesc, lostLinesDesc,
		cacheBytesDesc, cacheEntriesDesc, cacheHitsDesc, cacheMissesDesc, cacheEvictionsDesc, cacheLoadDesc,
	} {
		ch <- d
	}
}

// Collect asks for the state and exposes it.
func (w *watched) Collect(ch chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.src == nil {
		return
	}
	s := w.src()
	w.upstreamsLocked(ch, s.Upstreams)
	w.processesLocked(ch, s.Processes)
	collectRuntimes(ch, s.Runtimes)
	queues, workers, restarts := sums{}, sums{}, sums{}
	for _, q := range s.Queues {
		queues.add(float64(q.Length), q.Pool)
	}
	for _, r := range s.Workers {
		for _, state := range workerStates {
			workers.add(0, r.Pool, state)
		}
		workers.add(float64(r.Count), r.Pool, r.State)
	}
	for _, r := range s.Restarts {
		restarts.add(float64(r.Count), r.Pool, r.Reason)
	}
	for _, r := range s.Scaling {
		ch <- gauge(desiredDesc, float64(r.Desired), r.Pool)
	}
	queues.send(ch, queueLengthDesc, gauge)
	workers.send(ch, workersDesc, gauge)
	restarts.send(ch, restartsDesc, count)
	for kind, n := range s.LostLines {
		ch <- count(lostLinesDesc, float64(n), kind)
	}
	if s.Cache != nil {
		s.Cache.collect(ch)
	}
	if s.Host != nil {
		s.Host.collect(ch)
	}
}

func (h *HostRow) collect(ch chan<- prometheus.Metric) {
	ch <- gauge(hostCPUDesc, h.CPURatio)
	for kind, n := range h.Memory {
		ch <- gauge(hostMemoryDesc, float64(n), kind)
	}
	for resource, ratio := range h.Pressure {
		ch <- gauge(hostPressureDesc, ratio, resource)
	}
	for kind, n := range h.Disk {
		ch <- gauge(hostDiskDesc, float64(n), kind)
	}
	for direction, n := range h.Network {
		ch <- count(hostNetworkDesc, float64(n), direction)
	}
}

func (w *watched) upstreamsLocked(ch chan<- prometheus.Metric, rows []UpstreamRow) {
	states, inFlight, breakers := sums{}, sums{}, sums{}
	for _, u := range rows {
		for _, state := range upstreamStates {
			states.add(0, u.Pool, u.Label, state)
		}
		states.add(1, u.Pool, u.Label, u.State)
		inFlight.add(float64(u.InFlight), u.Pool, u.Label)
		if u.Breaker != "" {
			breakers.max(breakerValue(u.Breaker), u.Pool, u.Label)
			w.trips.see(u.Pool, u.Label, u.ID, float64(u.BreakerTrips))
		}
	}
	states.send(ch, upstreamStateDesc, gauge)
	inFlight.send(ch, upstreamInFlightDesc, gauge)
	breakers.send(ch, breakerStateDesc, gauge)
	w.trips.send(ch, breakerTripsDesc)
}

func (w *watched) processesLocked(ch chan<- prometheus.Metric, rows []ProcessRow) {
	memory, files, threads, processes, leaks := sums{}, sums{}, sums{}, sums{}, sums{}
	for _, p := range rows {
		w.cpu.see(p.Pool, p.Label, p.ID, p.CPUSeconds)
		w.voluntary.see(p.Pool, p.Label, p.ID, float64(p.VoluntarySwitches))
		w.involuntary.see(p.Pool, p.Label, p.ID, float64(p.InvoluntarySwitches))
		w.read.see(p.Pool, p.Label, p.ID, float64(p.ReadBytes))
		w.written.see(p.Pool, p.Label, p.ID, float64(p.WrittenBytes))
		memory.add(float64(p.RSS), p.Pool, p.Label, "rss")
		memory.add(float64(p.Shared), p.Pool, p.Label, "shared")
		memory.add(float64(p.Charged), p.Pool, p.Label, "charged")
		files.add(float64(p.OpenFiles), p.Pool, p.Label)
		threads.add(float64(p.Threads), p.Pool, p.Label)
		processes.add(float64(p.Processes), p.Pool, p.Label)
		leaks.add(p.LeakPerSecond, p.Pool, p.Label)
	}
	memory.send(ch, workerMemoryDesc, gauge)
	files.send(ch, workerFilesDesc, gauge)
	threads.send(ch, workerThreadsDesc, gauge)
	processes.send(ch, workerProcessesDesc, gauge)
	leaks.send(ch, workerLeakDesc, gauge)
	w.cpu.send(ch, workerCPUDesc)
	w.voluntary.send(ch, workerSwitchesDesc, "voluntary")
	w.involuntary.send(ch, workerSwitchesDesc, "involuntary")
	w.read.send(ch, workerIODesc, "read")
	w.written.send(ch, workerIODesc, "write")
}

func collectRuntimes(ch chan<- prometheus.Metric, rows []RuntimeRow) {
	delays, heaps := sums{}, sums{}
	for _, r := range rows {
		delays.max(r.LoopDelay.Seconds(), r.Pool, r.Label)
		heaps.add(float64(r.HeapBytes), r.Pool, r.Label, "used")
		if r.HeapLimitBytes > 0 {
			heaps.add(float64(r.HeapLimitBytes), r.Pool, r.Label, "limit")
		}
	}
	delays.send(ch, workerLoopDesc, gauge)
	heaps.send(ch, workerHeapDesc, gauge)
}

func breakerValue(state string) float64 {
	switch state {
	case "half-open":
		return 1
	case "open":
		return 2
	}
	return 0
}
