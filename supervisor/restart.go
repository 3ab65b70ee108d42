package supervisor

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/drover-proxy/drover/config"
)

// provenAfter is how long a worker must have been ready for its slot's past
// failures to be forgiven. A shorter life proves nothing.
const provenAfter = 60 * time.Second

// RestartPolicy says when a slot's next worker starts after an unplanned exit.
// It belongs to one slot and is not for concurrent use.
type RestartPolicy struct {
	pm     config.ProcessManagement
	delay  *backoff.ExponentialBackOff
	exits  []time.Time // unplanned, within the window, oldest first
	failed bool        // the budget was spent and no worker has been ready for provenAfter since
}

// Verdict is what follows an unplanned exit.
type Verdict struct {
	Delay  time.Duration // until the next start
	Failed bool          // the budget is spent; Delay is maxRestartDelay
}

// NewRestartPolicy returns the policy of a new slot.
func NewRestartPolicy(pm config.ProcessManagement) *RestartPolicy {
	p := &RestartPolicy{}
	p.Configure(pm)
	return p
}

// Configure applies changed settings; the history of exits stays.
func (p *RestartPolicy) Configure(pm config.ProcessManagement) {
	if p.delay != nil && pm.RestartDelay == p.pm.RestartDelay && pm.MaxRestartDelay == p.pm.MaxRestartDelay {
		p.pm = pm // the delay reached so far stays too
		return
	}
	p.pm = pm
	p.delay = backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(pm.RestartDelay.Std()),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(pm.MaxRestartDelay.Std()),
		backoff.WithMaxElapsedTime(0), // the library gives up after 15 minutes otherwise
	)
}

// Exited records an unplanned exit at now of a worker that was ready for the
// given time (0: never), and says when to start the next.
func (p *RestartPolicy) Exited(now time.Time, ready time.Duration) Verdict {
	proven := ready >= provenAfter
	if proven {
		p.delay.Reset()
		p.failed = false
	}
	p.exits = append(p.within(now), now) // a long life does not take exits out of the window
	if p.failed || p.spent() {
		p.failed = true
		return Verdict{Delay: p.pm.MaxRestartDelay.Std(), Failed: true}
	}
	if proven {
		return Verdict{} // the first crash after a long good life
	}
	return Verdict{Delay: min(p.delay.NextBackOff(), p.pm.MaxRestartDelay.Std())} // the jitter goes beyond the library's own cap
}

// Forgive forgets the past, for a start that an operator asked for.
func (p *RestartPolicy) Forgive() {
	p.delay.Reset()
	p.exits, p.failed = nil, false
}

// spent reports whether the exits on record use up the budget.
func (p *RestartPolicy) spent() bool { return len(p.exits) >= max(p.pm.MaxRestarts, 1) }

// within returns the exits of the window that ends now.
func (p *RestartPolicy) within(now time.Time) []time.Time {
	first := 0
	for first < len(p.exits) && now.Sub(p.exits[first]) > p.pm.RestartWindow.Std() {
		first++
	}
	return p.exits[first:]
}
