package admin

import (
	"context"
	"time"
)

// Backend is what the API shows and operates. Methods may be called
// concurrently and return within moments, or take a context: work that takes
// longer goes on under the id of an Operation. Lists are in the order in which they are shown.
type Backend interface {
	View
	Operator
	Workforce
	Messenger
	Cacher
}

// View is what can be read.
type View interface {
	Status() Status
	Pools() []Pool
	Workers() []Worker
	Footprint(worker string) *Footprint // by its whole id; nil where it cannot be measured
	Operation(id string) (Operation, bool)
	Config() any             // the effective settings, secrets hidden, for encoding/json
	Ready() (bool, []string) // the reasons when it is not
}

// Operator changes drover as a whole.
type Operator interface {
	Reload() (ReloadResult, error) // BadSettings when the settings are wrong
	Stop(now bool)
	Upgrade(ctx context.Context) (Upgraded, error) // Conflict or BadSettings when this drover goes on
}

// Workforce changes pools, workers and upstreams. Unknown names are NotFound,
// what cannot be done now is Conflict.
type Workforce interface {
	Scale(pool string, n int, auto bool) error // auto: the number in the settings
	Restart(pool string) (operation string, err error)
	Worker(id, verb string) error          // drain, resume, restart or stop
	Upstream(id, verb string, n int) error // drain, resume, maintenance, or weight with n
}

// Messenger sends messages to workers. data is JSON on one line. What does not
// get through is a MessageError.
type Messenger interface {
	Broadcast(ctx context.Context, pool, kind string, data []byte) (Broadcasted, error) // pool *: all
	Send(ctx context.Context, to Target, kind string, data []byte) (Delivered, error)
	Request(ctx context.Context, to Target, kind string, data []byte, timeout time.Duration) (Response, error) // 0: the settings' timeout
}

// Cacher operates the cache that workers share. All are Conflict where there is none.
type Cacher interface {
	Cache() (CacheStats, error)
	CacheEntry(namespace, key string) (CacheEntry, error) // NotFound where there is no such entry
	Purge(what PurgeRequest) (removed int, err error)     // what is in order
	Warm(ctx context.Context, replace bool) (Warmed, error)
}
