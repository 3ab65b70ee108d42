// Package metrics owns the numbers that Prometheus reads: their names, labels
// and help, listed in docs/metrics.md. Labels come from closed sets.
//
// What is counted for each request is kept in handles that are looked up once
// and then cost a few uncontended atomic additions. What other packages already
// know (states, queue lengths, samples of processes) is asked of them when
// somebody scrapes, through Watch. The package keeps no history and decides nothing.
//
//	m := metrics.New(metrics.BuildInfo{Version: "1.0.0"})
//	m.Watch(func() metrics.State { return … })
//	r := m.Request("web", "app") // when the routing table is built
//	r.Observe("GET", 200, duration, bytesIn, bytesOut)
//	mux.Handle("/metrics", m.Handler())
package metrics
