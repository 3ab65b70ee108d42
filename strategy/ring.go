package strategy

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/drover-proxy/drover/pool"
)

// pointsPerWeight is how many points of the ring an upstream has for each unit
// of weight: its share then differs from the fair one by about 6%. Where the
// weights add up to more than mostPoints allow, all have fewer, in halves.
const (
	pointsPerWeight = 256
	mostPoints      = 1 << 18
)

// ring is a consistent-hash ring of labels. A label has its points whether or
// not an upstream of that name is there: what belongs to an absent one goes to
// the next on the ring, and everything else stays where it is.
type ring struct {
	*points
	present []*pool.Upstream // by index of the label; nil: absent
}

// points is the unchanging part of a ring, shared by those of many snapshots.
type points struct {
	labels  map[string]int
	weights []int
	hashes  []uint32 // ascending
	owners  []uint32 // index of the label that owns the point of the same place
	guide   []uint32 // first point at or after the beginning of each cell
	shift   uint     // hash to cell
}

// newRing returns the ring of a snapshot, on the old one's points where it has
// all labels with their weights and is not mostly absent ones.
func newRing(snap *pool.Snapshot, old *ring) *ring {
	p := &points{}
	switch {
	case old != nil && old.cover(snap.Upstreams):
		p = old.points
	case len(snap.Upstreams) > 0:
		p = newPoints(snap.Upstreams)
	}
	r := &ring{points: p, present: make([]*pool.Upstream, len(p.weights))}
	for _, u := range snap.Upstreams {
		// Of two generations of one slot, the newer: the older is on its way out.
		if i := p.labels[u.Label]; r.present[i] == nil || r.present[i].Generation < u.Generation {
			r.present[i] = u
		}
	}
	return r
}

func (p *points) cover(ups []*pool.Upstream) bool {
	if len(ups) > 0 && 2*len(ups) < len(p.weights) {
		return false
	}
	for _, u := range ups {
		if i, ok := p.labels[u.Label]; !ok || p.weights[i] != weightOnRing(u) {
			return false
		}
	}
	return true
}

func weightOnRing(u *pool.Upstream) int { return max(u.Weight(), 1) }

func newPoints(ups []*pool.Upstream) *points {
	p := &points{labels: make(map[string]int, len(ups))}
	var labels []uint64
	total := 0
	for _, u := range ups {
		w := weightOnRing(u)
		if i, ok := p.labels[u.Label]; ok {
			p.weights[i] = w // the newer generation, which comes later
			continue
		}
		p.labels[u.Label] = len(p.weights)
		p.weights = append(p.weights, w)
		labels = append(labels, xxhash.Sum64String(u.Label))
		total += w
	}
	halvings := uint(0)
	for total*pointsPerWeight>>halvings > mostPoints {
		halvings++
	}
	for i, w := range p.weights {
		for k := range max(w*pointsPerWeight>>halvings, 1) {
			p.hashes = append(p.hashes, place(labels[i]+uint64(k)*0x9e3779b97f4a7c15))
			p.owners = append(p.owners, uint32(i))
		}
	}
	p.sort()
	p.lead()
	return p
}

// place turns a hash into a place on the ring (the finalizer of splitmix64:
// what hashOn names may be as regular as a counter).
func place(h uint64) uint32 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return uint32(h >> 32)
}

// sort orders the points by hash and, where equal, by owner: a radix sort of
// two passes, which is stable and fast enough to run inside a Pick.
func (p *points) sort() {
	hashes, owners := make([]uint32, len(p.hashes)), make([]uint32, len(p.owners))
	begin := make([]uint32, 1<<16+1)
	for _, shift := range [...]uint{0, 16} {
		clear(begin)
		for _, h := range p.hashes {
			begin[h>>shift&0xffff+1]++
		}
		for i := 1; i < len(begin); i++ {
			begin[i] += begin[i-1]
		}
		for i, h := range p.hashes {
			at := &begin[h>>shift&0xffff]
			hashes[*at], owners[*at] = h, p.owners[i]
			*at++
		}
		p.hashes, hashes = hashes, p.hashes
		p.owners, owners = owners, p.owners
	}
}

// lead makes the guide: about one point to a cell.
func (p *points) lead() {
	cells := max(bits.Len(uint(len(p.hashes)-1)), 1)
	p.shift = uint(32 - cells)
	p.guide = make([]uint32, 1<<cells)
	at := 0
	for c := range p.guide {
		for at < len(p.hashes) && p.hashes[at] < uint32(c)<<p.shift {
			at++
		}
		p.guide[c] = uint32(at)
	}
}

// at returns the first point at or after h, around the ring.
func (p *points) at(h uint32) int {
	i := int(p.guide[h>>p.shift])
	for i < len(p.hashes) && p.hashes[i] < h {
		i++
	}
	if i == len(p.hashes) {
		return 0
	}
	return i
}
