// Package pool knows which upstreams exist and what state they are in:
// membership, health, flags, requests in flight, circuit breaker, ejection,
// drain, and the queue of requests that wait for one.
//
// It does not choose (strategy), does not probe (healthcheck), does not own
// processes (supervisor) and does not send anything (proxy). The request path
// reads immutable snapshots and atomics; what changes a pool takes its lock and
// publishes a new snapshot.
//
//	up := strategy.Pick(p.Snapshot(), req)
//	lease, err := up.Acquire() // draining, saturated, breaker open: pick again
//	...
//	lease.Release(pool.Outcome{Result: pool.Success, Status: 200, Latency: d})
//
// One who is refused by all waits:
//
//	err := p.Wait(deadline, clientGone) // nil: pick again
package pool
