package healthcheck

// Verdict is what a row of probes says of an upstream.
type Verdict uint8

// The verdicts.
const (
	Undecided Verdict = iota // the row is too short to say anything new
	Well                     // at least rise passed in a row
	Ill                      // at least fall failed in a row
)

// Tracker turns single probes into verdicts: one failed probe is no verdict,
// unless fall is 1. It is not safe for concurrent use.
type Tracker struct {
	rise, fall       int
	passed, failures int // in a row
}

// NewTracker returns a Tracker that needs rise passed probes in a row to call
// an upstream well and fall failed ones to call it ill (1 or more each).
func NewTracker(rise, fall int) *Tracker {
	t := &Tracker{}
	t.SetThresholds(rise, fall)
	return t
}

// SetThresholds changes rise and fall; the present row goes on.
func (t *Tracker) SetThresholds(rise, fall int) { t.rise, t.fall = max(rise, 1), max(fall, 1) }

// Record takes in one probe.
func (t *Tracker) Record(passed bool) Verdict {
	if passed {
		t.passed, t.failures = t.passed+1, 0
	} else {
		t.passed, t.failures = 0, t.failures+1
	}
	switch {
	case t.passed >= t.rise:
		return Well
	case t.failures >= t.fall:
		return Ill
	default:
		return Undecided
	}
}

// Failures returns how many probes have failed in a row.
func (t *Tracker) Failures() int { return t.failures }
