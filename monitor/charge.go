package monitor

import "time"

// exactShare bounds how much of the time is spent on finding exactly what a
// target uses: no more than one part in so many.
const exactShare = 100

// charge finds what of a target's memory counts against its limit. The kernel
// knows where it keeps the limit. Elsewhere it is resident memory, of which that
// which processes share must count once only: a server that forks its workers
// would otherwise be taken for several times as large as it is. To add up the
// share that each has in its pages (PSS) is dear, so that is done where it
// matters: from the alarm on. In between, what resident memory has grown by is
// added, and nobody is said to be above the limit for that alone.
type charge struct {
	alarm, limit uint64
	kernel       func() (uint64, bool)

	at       time.Time     // when the shares were added up; zero: not since it was below the alarm
	took     time.Duration // how long that took
	pss, rss uint64        // then
}

// find writes what it finds into the newest sample of the tree.
func (c *charge) find(now time.Time, t *tree, read footprintReader) {
	s := &t.last
	s.Charged = s.RSS
	if c.kernel != nil {
		if bytes, ok := c.kernel(); ok {
			s.Charged = bytes
			return
		}
	}
	if c.limit == 0 || s.RSS < c.alarm || s.Processes < 2 {
		c.at = time.Time{}
		return
	}
	if c.at.IsZero() || c.guess(s.RSS) >= c.limit || now.Sub(c.at) >= max(limitedEvery, exactShare*c.took) {
		c.add(now, t, read)
	}
	s.Charged = c.guess(s.RSS)
}

// guess is what is used at most, by what is known.
func (c *charge) guess(rss uint64) uint64 { return min(rss, c.pss+grown(c.rss, rss)) }

// add adds up the shares. A process that cannot be looked into counts in full.
func (c *charge) add(now time.Time, t *tree, read footprintReader) {
	began := time.Now()
	c.at, c.pss, c.rss = now, 0, t.last.RSS
	for pid, u := range t.members {
		if u.dead {
			continue
		}
		if f, ok := read(pid); ok {
			c.pss += f.PSS
		} else {
			c.pss += u.rss
		}
	}
	c.took = time.Since(began)
}
