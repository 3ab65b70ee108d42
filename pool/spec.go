package pool

import "net"

// Spec describes an upstream that joins a pool.
type Spec struct {
	ID      string // unique in the pool: app-3.7 for a worker, the configured name otherwise
	Label   string // metric label and hash identity: app-3 for a worker, the configured name otherwise; empty: the ID
	Network string // tcp or unix
	Address string // host:port or path; "" for a worker that listens nowhere
	// Verify is asked of each connection to it before anything is sent; nil: any is good.
	Verify     func(net.Conn) error
	Weight     int   // 0 to 256; 0 takes nothing new. For a worker 0 means 1
	Spawned    bool  // a worker of ours
	Slot       int   // of a worker, from 1
	Generation int   // of a worker, from 1
	State      State // Starting (workers, until their first passed probe) or Healthy (static)
}

// MaxWeight is the largest weight of an upstream.
const MaxWeight = 256
