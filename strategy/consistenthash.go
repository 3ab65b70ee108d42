package strategy

import "github.com/drover-proxy/drover/pool"

// ConsistentHash sends equal hashes to the same upstream: a ring, on which an
// upstream has points in proportion to its weight. Its identity is its label,
// so a worker that is restarted keeps the keys of its slot. When one leaves,
// its keys go to many others and no other key moves; when it returns, so do they.
//
// A key stays on its upstream whatever the load, up to maxInFlightPerWorker;
// what is over that goes to the next on the ring. There is no slow start: a key
// that went elsewhere for a while would gain nothing by it.
type ConsistentHash struct{ tables tables[ring] }

// NewConsistentHash returns a ConsistentHash.
func NewConsistentHash() *ConsistentHash {
	return &ConsistentHash{tables: tables[ring]{build: newRing}}
}

// walk is how many points are passed before all upstreams are looked at in order.
const walk = 64

// Pick implements Strategy. The Pick that first sees a new label or weight
// makes the ring, which takes milliseconds for 1,000 upstreams.
func (s *ConsistentHash) Pick(snap *pool.Snapshot, req *Request) *pool.Upstream {
	n := len(snap.Upstreams)
	if n == 0 {
		return nil
	}
	var h uint32
	if req != nil {
		h = place(req.Hash)
	}
	r := s.tables.of(snap)
	if len(r.hashes) == 0 { // of an empty snapshot
		return scan(snap.Upstreams, req, int(h)%n)
	}
	for i, k := r.at(h), 0; k < walk; i, k = i+1, k+1 {
		if i == len(r.hashes) {
			i = 0
		}
		if u := r.present[r.owners[i]]; u != nil && usable(u, req) {
			return u
		}
	}
	return scan(snap.Upstreams, req, int(h)%n)
}
