package event

// Kind names a sort of event; it is a metric label, so the set is closed.
type Kind string

// The kinds of event, by the part of drover that raises them.
const (
	Started            Kind = "started"
	Stopping           Kind = "stopping"
	ReloadSucceeded    Kind = "reload-succeeded"
	ReloadFailed       Kind = "reload-failed"
	Upgraded           Kind = "upgraded"
	UpgradeFailed      Kind = "upgrade-failed"
	WorkerStarted      Kind = "worker-started"
	WorkerReady        Kind = "worker-ready"
	WorkerDraining     Kind = "worker-draining"
	WorkerExited       Kind = "worker-exited"
	WorkerStartTimeout Kind = "worker-start-timeout"
	WorkerKilled       Kind = "worker-killed"
	WorkerMemory       Kind = "worker-memory"
	WorkerZombies      Kind = "worker-zombies"
	WorkerRecycling    Kind = "worker-recycling"
	WorkerBackoff      Kind = "worker-backoff"
	WorkerLeak         Kind = "worker-leak"
	SlotFailed         Kind = "slot-failed"
	PoolDegraded       Kind = "pool-degraded"
	PoolRecovered      Kind = "pool-recovered"
	PoolScaled         Kind = "pool-scaled"
	RollStarted        Kind = "roll-started"
	RollFinished       Kind = "roll-finished"
	RollFailed         Kind = "roll-failed"
	UpstreamHealthy    Kind = "upstream-healthy"
	UpstreamUnhealthy  Kind = "upstream-unhealthy"
	UpstreamEjected    Kind = "upstream-ejected"
	UpstreamDrained    Kind = "upstream-drained"
	UpstreamResumed    Kind = "upstream-resumed"
	BreakerOpened      Kind = "breaker-opened"
	BreakerHalfOpen    Kind = "breaker-half-open"
	BreakerClosed      Kind = "breaker-closed"
	SharedFailure      Kind = "shared-failure" // most workers of a pool fail at once
	LimitWeaker        Kind = "limit-weaker"   // a limit does not hold as the settings ask
	LogDropped         Kind = "log-dropped"
	LogFailed          Kind = "log-failed"    // a log file takes no lines
	LogRecovered       Kind = "log-recovered" // it does again
	OpenFiles          Kind = "open-files"    // drover's own are scarce
	Internal           Kind = "internal"
)

// Kinds returns all kinds of event, so that each can be counted from 0 on.
func Kinds() []Kind {
	return []Kind{
		Started, Stopping, ReloadSucceeded, ReloadFailed, Upgraded, UpgradeFailed, WorkerStarted, WorkerReady,
		WorkerDraining, WorkerExited, WorkerStartTimeout, WorkerKilled, WorkerMemory, WorkerZombies,
		WorkerRecycling, WorkerBackoff, WorkerLeak, SlotFailed, PoolDegraded, PoolRecovered, PoolScaled,
		RollStarted, RollFinished, RollFailed, UpstreamHealthy, UpstreamUnhealthy, UpstreamEjected, UpstreamDrained,
		UpstreamResumed, BreakerOpened, BreakerHalfOpen, BreakerClosed, SharedFailure, LimitWeaker, LogDropped,
		LogFailed, LogRecovered, OpenFiles, Internal,
	}
}
