package supervisor

import (
	"slices"
	"time"
)

// Liveness is the rule that decides which workers hang and are killed. It
// remembers whether most of the pool fails together, and is not for concurrent use.
type Liveness struct {
	MaxFailures int           // failed probes in a row
	Interval    time.Duration // between two probes
	Timeout     time.Duration // of one probe

	shared bool      // most workers fail at once, since they share something that is broken
	late   time.Time // when our own timer was last seen to be late
}

// Vital is what the rule looks at in one running worker.
type Vital struct {
	ID           string
	Failures     int       // failed probes in a row
	FirstFailure time.Time // of the row
	LastSuccess  time.Time // last successful response to a request; zero: none
	Suspended    bool      // in maintenance: not probed and not killed
}

// Round is one look at a pool.
type Round struct {
	Now       time.Time
	Wanted    int     // workers that the pool should have
	Vitals    []Vital // of the workers that are running
	Replacing int     // workers that are wanted and not running just now
}

// Judgement is what follows from a look.
type Judgement struct {
	Kill         []string // ids, at most one of them while the failure is shared
	SharedBegins bool     // most of the pool began to fail together
}

// Late notes that our own timer was late at now, as after a pause of the
// machine: for a full round of probes nothing is held against the workers.
func (l *Liveness) Late(now time.Time) { l.late = now }

// Judge returns the workers to kill now.
func (l *Liveness) Judge(r Round) Judgement {
	failing := make([]Vital, 0, len(r.Vitals))
	for _, v := range r.Vitals {
		if v.Failures > 0 && !v.Suspended {
			failing = append(failing, v)
		}
	}
	var out Judgement
	if len(failing) == 0 {
		l.shared = false
		return out
	}
	if !l.shared && l.together(failing, r.Wanted) {
		l.shared, out.SharedBegins = true, true
	}
	if !l.late.IsZero() && r.Now.Sub(l.late) < time.Duration(l.MaxFailures)*l.Interval+l.Timeout {
		return out
	}
	slices.SortStableFunc(failing, func(a, b Vital) int { return a.FirstFailure.Compare(b.FirstFailure) })
	for _, v := range failing {
		if v.Failures < l.MaxFailures || !v.LastSuccess.Before(v.FirstFailure) {
			continue
		}
		if l.shared && r.Replacing+len(out.Kill) > 0 {
			break // one at a time: wait until the one before is ready again
		}
		out.Kill = append(out.Kill, v.ID)
	}
	return out
}

// together reports whether more than half of a pool of three or more began to
// fail within one interval. Probes are spread over the interval, and one that
// times out is seen later than one that is refused.
func (l *Liveness) together(failing []Vital, wanted int) bool {
	if wanted < 3 || 2*len(failing) <= wanted {
		return false
	}
	began := make([]time.Time, len(failing))
	for i, v := range failing {
		began[i] = v.FirstFailure
	}
	slices.SortFunc(began, time.Time.Compare)
	need := wanted/2 + 1
	for i := range began[:len(began)-need+1] {
		if began[i+need-1].Sub(began[i]) <= l.Interval+l.Timeout {
			return true
		}
	}
	return false
}
