package autoscale

import "time"

// gap is how long Decide may not have been asked before what it remembers no
// longer counts as having been seen: drover or the machine stood still.
const gap = 5 * time.Second

// State is what Decide remembers. The zero value has seen nothing.
type State struct {
	at       time.Time // of the last look
	since    time.Time // from when on it has looked without a gap, and no worker was added
	smoothed Signals
	window   window
	patience patience
	lastUp   time.Time
	lastDown time.Time
}

// Decision is how many workers there should be from now on.
type Decision struct {
	Workers int     // the same as Wanted when nothing changes
	Reason  Reason  // why it changes; "" when it does not
	Desired int     // what the signals ask for, within the bounds
	Blocked Block   // why more are not started though they are asked for; "" when nothing forbids it
	Seen    Signals // what it was decided from, smoothed
}

// Decide says how many workers a pool should have. It is a pure function; the
// State that it returns is for the next call.
//
// More are started when a signal asks for more than are wanted, which has those
// that boot counted in: at most Step, and again after UpCooldown; at once when a
// request has waited longer than QueueWait and nothing boots. Guards (guard)
// forbid it. Fewer are kept when all signals asked for fewer for the whole time
// that the patience takes, at most Step less, and again after DownCooldown.
func Decide(p Policy, s State, in Signals, now time.Time) (Decision, State) {
	s = s.look(p, in, now)
	in = s.smoothed
	ask := p.recommend(in)
	urgent := p.waits(in.QueueWait) && in.Booting == 0 && in.Ready > 0
	if urgent && ask.workers <= in.Wanted { // little longer than that, or some of those that are wanted have failed
		ask = recommendation{in.Wanted + 1, QueueWait}
	}
	d := Decision{Workers: in.Wanted, Desired: p.within(ask.workers), Seen: in}
	s.window = s.window.add(now, ask.workers, s.patience.span(p.Calm))

	if ask.workers > in.Wanted {
		d.Blocked = p.guard(in)
		if d.Blocked == "" && (urgent || since(s.lastUp, now) >= p.UpCooldown) {
			d.Workers, d.Reason = p.within(min(ask.workers, in.Wanted+p.Step)), ask.reason
		}
	} else if fewer := p.within(s.window.largest()); fewer < in.Wanted && s.mayShrink(p, in, now) {
		d.Workers, d.Reason = max(fewer, in.Wanted-p.Step), Idle
	}
	return d, s.note(p, d, now)
}

// look takes the signals in.
func (s State) look(p Policy, in Signals, now time.Time) State {
	passed := now.Sub(s.at)
	if s.at.IsZero() || passed > gap {
		s.smoothed, s.since, s.window = in, now, nil
	} else {
		s.smoothed = s.smoothed.smooth(in, passed)
	}
	s.at = now
	s.patience = s.patience.relax(now, p.Calm)
	return s
}

// mayShrink reports whether it is time to take a worker away, if one is too many.
func (s State) mayShrink(p Policy, in Signals, now time.Time) bool {
	return !in.Manual && !in.Rolling && in.Booting == 0 && in.Ready > 0 &&
		now.Sub(s.since) >= s.patience.span(p.Calm) &&
		min(since(s.lastUp, now), since(s.lastDown, now)) >= p.DownCooldown
}

// note remembers what was decided.
func (s State) note(p Policy, d Decision, now time.Time) State {
	switch {
	case d.Workers > d.Seen.Wanted:
		s.lastUp, s.since = now, now
		s.patience = s.patience.up(now, p.Calm)
	case d.Workers < d.Seen.Wanted:
		s.lastDown = now
		s.patience = s.patience.down(now)
	}
	return s
}

// since is the time since then, for ever where that never was.
func since(then, now time.Time) time.Duration {
	if then.IsZero() {
		return 1<<63 - 1
	}
	return now.Sub(then)
}
