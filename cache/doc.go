// Package cache is what all workers share: values by namespace and key, bounded
// in bytes, with times to live, tags, leases for what is being computed, and
// word to those who keep copies of their own.
//
// A Store holds the values. Reads take no lock; the changes of one namespace are
// made one after the other. Values are JSON texts that are never decoded. A
// Service serves a store to workers: it runs the operations of cache frames
// (docs/ipc-protocol.md) and pushes drops of near copies; it knows workers by
// name only, and the message channel gives it a Pusher. A Warmer fills a store
// from the settings; Save and Load keep it over a restart.
//
//	store, err := cache.New(cache.Options{MaxBytes: 64 << 20, MaxEntryBytes: 1 << 20})
//	service := cache.NewService(store, hub)
//	go service.Run(ctx)
//	service.Serve("app-1.3", ops, reply) // from the channel, for each frame
//	service.Gone("app-1.3")
//
// The package does not encrypt: what is cached can be read by drover. It does
// not speak to other machines.
package cache
