package strategy

import (
	"math/bits"
	"sync/atomic"
)

// wheel spreads turns over n places in proportion to their shares, evenly in
// time, at a cost that does not depend on n.
//
// Think of a circle of total positions on which each place owns an arc. Turn k
// lands on position k·stride mod total, where stride is about total divided by
// the golden ratio and coprime to total: each position is met exactly once in
// total turns, and any few turns in a row are spread over the circle as evenly
// as can be. guide leads from a position to its place in one or two steps.
//
// The arcs may be changed while others read: they then see a mixture for a
// moment, which is harmless, as any place is a right answer.
type wheel struct {
	total  uint64
	stride uint64
	shift  uint            // position to cell of guide
	ends   []atomic.Uint32 // end of each place's arc, ascending, the last is total
	guide  []atomic.Uint32 // first place whose arc ends after the cell begins
}

// newWheel returns a wheel of n places and total positions (n or more, below
// 1<<32); cut it before use.
func newWheel(n int, total uint64) *wheel {
	w := &wheel{total: total, stride: coprimeNear(total)}
	w.shift = uint(max(bits.Len64(total-1)-bits.Len(uint(n)), 0))
	w.ends = make([]atomic.Uint32, n)
	w.guide = make([]atomic.Uint32, (total-1)>>w.shift+1)
	return w
}

// cut gives each place its arc: end(i) is where that of place i ends. Only one
// goroutine may cut at a time.
func (w *wheel) cut(end func(i int) uint64) {
	cell := 0
	for i := range w.ends {
		e := end(i)
		w.ends[i].Store(uint32(e))
		for ; cell < len(w.guide) && uint64(cell)<<w.shift < e; cell++ {
			w.guide[cell].Store(uint32(i))
		}
	}
}

// at returns the place whose turn it is.
func (w *wheel) at(turn uint64) int {
	p := uint32(turn % w.total * w.stride % w.total)
	i := int(w.guide[p>>w.shift].Load())
	for i < len(w.ends)-1 && w.ends[i].Load() <= p {
		i++
	}
	return i
}

// coprimeNear returns a number near total/φ that has no divisor in common with it.
func coprimeNear(total uint64) uint64 {
	want := uint64(float64(total) * 0.6180339887498949)
	for d := uint64(0); d < total; d++ {
		if s := want + d; s > 0 && gcd(s, total) == 1 {
			return s
		}
		if s := want - d; d < want && gcd(s, total) == 1 {
			return s
		}
	}
	return 1
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
