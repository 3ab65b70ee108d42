package metrics

import "sync/atomic"

// byCode counts by status. Counters are made when a status is seen first, since
// few of the five hundred ever are.
type byCode struct {
	cells [codes]atomic.Pointer[counter]
}

func (c *byCode) add(s *spread, t *token, code int) {
	cell := &c.cells[codeIndex(code)]
	n := cell.Load()
	if n == nil {
		fresh := s.newCounter()
		cell.CompareAndSwap(nil, &fresh)
		n = cell.Load()
	}
	(*n)[t.shard].n.Add(1)
}

// each calls f with every status that was seen and how often.
func (c *byCode) each(f func(code string, n uint64)) {
	for i := range c.cells {
		if n := c.cells[i].Load(); n != nil {
			f(codeLabel(i), n.total())
		}
	}
}
