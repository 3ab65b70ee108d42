package metrics

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// maxShards bounds the memory of a counter on machines with very many cores.
const maxShards = 32

// spread hands each processor a number of its own, most of the time, so that
// two of them do not count in the same cache line. It rests on sync.Pool, which
// keeps a private item for each processor.
type spread struct {
	n    int // of shards, a power of two
	next atomic.Uint32
	pool sync.Pool
}

type token struct{ shard uint32 }

func newSpread() *spread {
	n := min(runtime.GOMAXPROCS(0), maxShards)
	s := &spread{n: 1 << bits.Len(uint(n-1))}
	s.pool.New = func() any { return &token{(s.next.Add(1) - 1) & uint32(s.n-1)} }
	return s
}

// take returns a token, which goes back to put.
func (s *spread) take() *token { return s.pool.Get().(*token) }

func (s *spread) put(t *token) { s.pool.Put(t) }

// counter counts in one place per shard, each on a cache line of its own.
type counter []struct {
	n atomic.Uint64
	_ [56]byte
}

func (s *spread) newCounter() counter { return make(counter, s.n) }

func (c counter) total() (sum uint64) {
	for i := range c {
		sum += c[i].n.Load()
	}
	return sum
}
