package supervisor

import (
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
)

// maxPasses bounds the passes of one tick. A worker takes at most a few steps
// without waiting for anything.
const maxPasses = 16

// lateAfter is how much later than planned a tick comes when the machine, or
// drover, stood still.
const lateAfter = time.Second

// tick compares what is wanted with what is, and acts on the difference until
// there is nothing to do without waiting. It reports whether everything has
// been stopped.
func (s *Supervisor) tick(now time.Time) (stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noticePauseLocked(now)
	s.oom.sample(now)
	if s.stopping && s.roll != nil {
		s.endRollLocked(ErrStopping)
	}
	for range maxPasses {
		s.moved = false
		s.passLocked(now)
		if !s.moved {
			break
		}
	}
	s.reportLocked(now)
	return s.stopping && !s.moved && s.liveLocked() == 0
}

func (s *Supervisor) passLocked(now time.Time) {
	for _, sl := range s.slots {
		for _, w := range sl.workers() {
			s.observeLocked(sl, w, now)
		}
	}
	s.memoryLocked(now)
	if !s.stopping {
		s.resizeLocked()
	}
	for _, sl := range s.slots {
		s.settleLocked(sl, now)
	}
	if s.stopping {
		return
	}
	s.recycleLocked(now)
	s.replaceLocked(now)
	s.judgeLocked(now)
	s.finishRollLocked()
}

// noticePauseLocked looks whether our own timer was late. Then failed probes
// prove nothing, and the pause takes nothing from the time that a worker has to
// become ready, to drain or to end. The clock by which that time is measured
// stands still while a machine sleeps. The time of day is not asked: it may be set.
func (s *Supervisor) noticePauseLocked(now time.Time) {
	last, asleep := s.lastTick, s.asleep
	s.lastTick, s.asleep = now, s.o.Asleep()
	if last.IsZero() {
		return
	}
	gap := now.Sub(last)
	if gap+s.asleep-asleep <= tickEvery+lateAfter {
		return
	}
	s.liveness.Late(now)
	if gap <= tickEvery {
		return
	}
	for _, sl := range s.slots {
		for _, w := range sl.workers() {
			w.since = w.since.Add(gap - tickEvery)
		}
	}
}

// settleLocked ends the workers of a slot that is not wanted and starts the one
// of a slot that is.
func (s *Supervisor) settleLocked(sl *slot, now time.Time) {
	if why, ends := s.endsLocked(sl); ends {
		for _, w := range sl.workers() {
			switch w.state {
			case Starting, Running:
				s.leaveLocked(sl, w, why, now)
			case Backoff, Failed:
				s.stepLocked(sl, w, inStop, now)
			case Stopped:
				if sl.retiring {
					sl.drop(w) // it was kept to be seen
				}
			}
		}
		return
	}
	if sl.current == nil {
		sl.current = &worker{}
	}
	if sl.current.state == Stopped && !sl.ended {
		s.stepLocked(sl, sl.current, inStart, now)
	}
}

// endsLocked reports whether a slot is to have no worker, and why.
func (s *Supervisor) endsLocked(sl *slot) (Reason, bool) {
	switch {
	case s.stopping:
		return ReasonStop, true
	case sl.retiring:
		return ReasonScaleIn, true
	case sl.held:
		return ReasonOperator, true
	}
	return "", false
}

// leaveLocked makes a live worker leave for a planned reason.
func (s *Supervisor) leaveLocked(sl *slot, w *worker, why Reason, now time.Time) {
	w.reason, w.message = why, ""
	s.stepLocked(sl, w, inStop, now)
}

// liveLocked counts the workers that have, or may have, a process.
func (s *Supervisor) liveLocked() int {
	n := 0
	for _, sl := range s.slots {
		for _, w := range sl.workers() {
			if w.live() {
				n++
			}
		}
	}
	return n
}

// judgeLocked applies the liveness rule.
func (s *Supervisor) judgeLocked(now time.Time) {
	if !s.cfg.HealthCheck.Enabled || s.o.Inspect {
		return
	}
	round := Round{Now: now, Wanted: s.wantedLocked()}
	running := make(map[string]*slot)
	for _, sl := range s.slots {
		if _, ends := s.endsLocked(sl); ends || sl.ended {
			continue
		}
		w := sl.current
		if !w.running() || w.up == nil {
			round.Replacing++
			continue
		}
		probe := w.up.Probe()
		running[w.id] = sl
		round.Vitals = append(round.Vitals, Vital{ID: w.id, Failures: probe.Failures, FirstFailure: probe.FirstFailure,
			LastSuccess: w.up.LastSuccess(), Suspended: w.up.Maintenance()})
	}
	j := s.liveness.Judge(round)
	if j.SharedBegins {
		s.publish(event.SharedFailure, s.pool.Name(), "most workers of pool "+s.pool.Name()+
			" fail their health checks at once, so something they share is probably broken; they are replaced one at a time", nil)
	}
	for _, id := range j.Kill {
		sl := running[id]
		w := sl.current
		w.reason, w.message = ReasonProbeFailed, "it failed its health checks"
		if last := w.up.Probe().LastError; last != "" {
			w.message += "; the last: " + last
		}
		s.stepLocked(sl, w, inProbesFailed, now)
	}
}

// configure takes the settings that the rule depends on.
func (l *Liveness) configure(hc config.HealthCheck) {
	l.MaxFailures, l.Interval, l.Timeout = hc.MaxFailures, hc.Interval.Std(), hc.Timeout.Std()
}
