package metrics

import (
	"sync/atomic"
	"time"
)

// buckets are the upper bounds of durations, in seconds: from what a local
// worker needs for a small answer to what a default timeout allows.
var buckets = [...]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

var bounds = func() (b [len(buckets)]time.Duration) {
	for i, s := range buckets {
		b[i] = time.Duration(s * float64(time.Second))
	}
	return b
}()

// histogram counts durations by bucket. The number of observations is the sum
// of the buckets, so that an observation is two additions.
type histogram []histogramShard

type histogramShard struct {
	counts [len(buckets) + 1]atomic.Uint64 // the last: longer than every bound
	sum    atomic.Int64                    // nanoseconds
	_      [48]byte
}

func (s *spread) newHistogram() histogram { return make(histogram, s.n) }

func (h histogram) observe(t *token, d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h[t.shard].counts[i].Add(1)
	h[t.shard].sum.Add(int64(d))
}

// read returns what Prometheus wants: observations, their sum in seconds, and
// how many were at most each bound.
func (h histogram) read() (count uint64, sum float64, cumulative map[float64]uint64) {
	var nanos int64
	var counts [len(buckets) + 1]uint64
	for i := range h {
		for b := range counts {
			counts[b] += h[i].counts[b].Load()
		}
		nanos += h[i].sum.Load()
	}
	cumulative = make(map[float64]uint64, len(buckets))
	for b, n := range counts {
		count += n
		if b < len(buckets) {
			cumulative[buckets[b]] = count
		}
	}
	return count, time.Duration(nanos).Seconds(), cumulative
}
