// Package strategy chooses one upstream of a pool for a request.
package strategy

import (
	"github.com/drover-proxy/drover/pool"
)

// Request is what a strategy may know of a request.
type Request struct {
	Hash  uint64           // of what hashOn names, for consistent-hash
	Tried []*pool.Upstream // those that this request already failed on; never picked again while another is left
}

// Strategy picks one upstream of a snapshot, or nil when none may be picked.
// Pick may be called concurrently, takes no lock and allocates nothing.
type Strategy interface {
	Pick(snap *pool.Snapshot, req *Request) *pool.Upstream
}
