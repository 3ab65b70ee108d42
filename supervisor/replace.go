package supervisor

import (
	"cmp"
	"slices"
	"time"
)

// replacedForLocked returns why a worker is to be replaced, or "" when it is not.
func (s *Supervisor) replacedForLocked(w *worker) Reason {
	if w.replace == "" && s.roll != nil && w.settings != s.roll.settings {
		return s.roll.Reason
	}
	return w.replace
}

// replaceLocked takes the next steps of replacing workers that are to be
// replaced, by a roll, at an operator's wish or since they are recycled, within
// rolling.maxSurge and rolling.maxUnavailable.
func (s *Supervisor) replaceLocked(now time.Time) {
	extra, out, unwell := 0, 0, 0
	for _, sl := range s.slots {
		if sl.next != nil || sl.last != nil {
			extra++
		}
		if _, ends := s.endsLocked(sl); ends || sl.ended {
			continue
		}
		if w := sl.current; !w.running() {
			out++
		} else if !w.well() {
			unwell++
		}
	}
	limits := s.cfg.ProcessManagement.Rolling
	if limits.MaxSurge <= 0 && limits.MaxUnavailable <= 0 {
		limits.MaxSurge = 1 // or nothing could ever move
	}
	for _, sl := range s.dueLocked() {
		if _, ends := s.endsLocked(sl); ends || sl.ended || sl.current == nil {
			continue
		}
		if n := sl.next; n != nil && n.state == Starting && s.replacedForLocked(n) != "" {
			s.leaveLocked(sl, n, s.replacedForLocked(n), now) // of a roll that another took the place of
		}
		w, why := sl.current, s.replacedForLocked(sl.current)
		if why == "" || sl.next != nil || sl.last != nil {
			continue
		}
		switch w.state {
		case Backoff, Failed: // nothing to lose
			s.stepLocked(sl, w, inRetry, now)
		case Starting:
			s.leaveLocked(sl, w, why, now)
		case Running:
			switch {
			case extra < limits.MaxSurge:
				extra++
				sl.next = &worker{reason: why}
				s.stepLocked(sl, sl.next, inStart, now)
			case !w.well() && out < limits.MaxUnavailable: // it takes no requests as it is
				out, unwell = out+1, unwell-1
				s.leaveLocked(sl, w, why, now)
			case out+unwell < limits.MaxUnavailable:
				out++
				s.leaveLocked(sl, w, why, now)
			}
		}
	}
}

// dueLocked returns the slots in the order in which their workers are replaced:
// those that are short of memory first, then those that wait the longest, so
// that busy slots do not keep a turn from the others.
func (s *Supervisor) dueLocked() []*slot {
	rank := func(sl *slot) int {
		switch {
		case sl.current == nil:
		case sl.current.replace == ReasonMemory:
			return 0
		case sl.current.replace == ReasonLeak:
			return 1
		}
		return 2
	}
	since := func(sl *slot) time.Time {
		if sl.current == nil {
			return time.Time{}
		}
		return sl.current.dueAt
	}
	return slices.SortedStableFunc(slices.Values(s.slots), func(a, b *slot) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), since(a).Compare(since(b)), cmp.Compare(a.number, b.number))
	})
}
