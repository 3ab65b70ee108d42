// Package strategy chooses one upstream of a pool for a request: eight
// algorithms, one file each, behind one interface.
//
// It owns no health and no membership: it reads the pool's snapshots. It does
// not retry and does not queue.
//
//	s, err := strategy.New(cfg)                    // by cfg.Strategy; one for each pool
//	up := s.Pick(p.Snapshot(), &strategy.Request{}) // nil: nobody, or all were tried
//
// Weights (0 to 256) are respected by weighted-round-robin, least-connections,
// health-aware and consistent-hash. round-robin, random, power-of-two and
// least-response-time treat all upstreams alike; in all of them a weight of 0
// takes nothing, since the pool leaves such an upstream out.
//
// What a strategy computes from a snapshot (sums, rings) is computed once per
// snapshot, by the first Pick that sees it.
package strategy
