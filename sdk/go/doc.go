// Package drover is what a worker written in Go imports to talk to drover and,
// through it, to the other workers: messages and requests, a cache that all
// workers share, readiness and shutdown, health checks and numbers of its own.
//
// It uses the standard library alone and needs no settings: it finds the
// channel in the environment that drover gives its workers. Started by hand or
// in a test there is no channel, and the program is a cluster of one: nobody
// else answers, everything else works, the cache included.
//
//	client, err := drover.Connect(ctx, func(c *drover.Client) {
//		drover.Handle(c, "price.get", func(ctx context.Context, sku int) (Price, error) { … })
//	})
//	listener, err := drover.Listen()
//	go server.Serve(listener)
//	client.OnShutdown(func(ctx context.Context) { server.Shutdown(ctx) })
//	err = client.Ready()
//	…
//	price, err := drover.Request[Price](ctx, client, drover.Target{Pool: "prices"}, "price.get", 42)
//	result, err := client.Broadcast(ctx, "price.changed", map[string]int{"sku": 42})
//	user, err := drover.GetOrSet(ctx, client.Cache().Namespace("users"), "7", load, drover.TTL(time.Minute))
//	client.Wait()
//
// The wire is that of docs/ipc-protocol.md; drover's own packages are not used.
package drover
