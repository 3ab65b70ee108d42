package pool

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// ejection is the history of an upstream's ejections: each one in a bad spell
// lasts longer, and time spent well makes up for them.
type ejection struct {
	count int       // ejections that are not made up for
	back  time.Time // end of the last one
	timer *time.Timer
}

// next returns how long an ejection at the moment now lasts: each ejectFor
// spent since the last one makes up for one.
func (e *ejection) next(now time.Time, s config.Outlier) time.Duration {
	unit := max(s.EjectFor.Std(), time.Millisecond)
	if e.count > 0 {
		e.count = max(e.count-int(max(now.Sub(e.back), 0)/unit), 0)
	}
	e.count++
	most := s.MaxEjectFor.Std()
	d := unit * time.Duration(e.count)
	if most > 0 && time.Duration(e.count) > most/unit { // compared by division: the product may overflow
		d = most
	}
	e.back = now.Add(d)
	return d
}

func (e *ejection) stop() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// countErrors keeps the row of errors and asks for an ejection each time it
// has become consecutiveErrors longer.
func (u *Upstream) countErrors(bad bool) {
	if !bad {
		if u.errorsInRow.Load() != 0 {
			u.errorsInRow.Store(0)
		}
		return
	}
	n := int(u.errorsInRow.Add(1))
	s := u.pool.Config().Outlier
	if s.Enabled && n%max(s.ConsecutiveErrors, 1) == 0 {
		u.pool.eject(u, n)
	}
}

// eject takes u out for a while, unless that would take the last upstream or
// more than maxEjected of them.
func (p *Pool) eject(u *Upstream, row int) {
	p.mu.Lock()
	s := p.Config().Outlier
	if u.gate.has(gateQuit|gateEjected) || !mayEject(p.ordered, u, s.MaxEjected.Ratio()) {
		p.mu.Unlock()
		return
	}
	d := u.ejection.next(time.Now(), s)
	u.ejection.timer = time.AfterFunc(d, func() { p.takeBack(u) })
	u.gate.raise(gateEjected)
	p.publishLocked()
	p.mu.Unlock()
	p.announce(event.Event{
		Kind: event.UpstreamEjected, Subject: u.ID,
		Message: fmt.Sprintf("%s is ejected for %s after %d errors in a row", u.ID, d, row),
	})
}

// takeBack ends an ejection.
func (p *Pool) takeBack(u *Upstream) {
	p.mu.Lock()
	if !p.endEjectionLocked(u) {
		p.mu.Unlock()
		return
	}
	p.publishLocked()
	p.mu.Unlock()
	p.announce(event.Event{Kind: event.UpstreamResumed, Subject: u.ID, Message: u.ID + " is back after its ejection"})
}

func (p *Pool) endEjectionLocked(u *Upstream) bool {
	u.ejection.stop()
	if !u.gate.has(gateEjected) {
		return false
	}
	u.errorsInRow.Store(0)
	u.gate.lower(gateEjected)
	u.warmUp()
	return true
}

// mayEject tells whether u may be ejected: another one must be left that is
// well, and not more than share of all may be out.
func mayEject(all []*Upstream, u *Upstream, share float64) bool {
	members, ejected, left := 0, 0, 0
	for _, m := range all {
		if !m.candidate() {
			continue
		}
		members++
		switch {
		case m == u:
		case m.gate.has(gateEjected):
			ejected++
		case m.State() == Healthy:
			left++
		}
	}
	return left > 0 && float64(ejected+1) <= share*float64(members)
}
