// Package proxy takes traffic in: the HTTP front and the Layer-4 relay. It owns
// the listeners, the clients' connections, routing, retry, header rules,
// limits, upgrades and the answers drover gives by itself.
//
// It does not know how an upstream is spoken to (proxy/exchange), which
// upstreams exist and how they are (pool), or which one is best (strategy).
//
//	s := proxy.New(proxy.Options{Pools: lookup, Metrics: m, AccessLog: a, Log: l})
//	if err := s.Apply(cfg); err != nil { // opens the listeners
//		return err
//	}
//	err := s.Run(ctx) // serves until ctx is done, then drains
//
// A request runs in the goroutine of its connection: front (parse, refuse) ->
// router -> handler (pick, acquire, exchange, retry) -> front (answer).
// Nothing outside front_*.go and h1_*.go knows that HTTP/1.1 is spoken.
package proxy
