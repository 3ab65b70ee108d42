package supervisor

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// observeLocked turns what is known of a worker by now into a step.
func (s *Supervisor) observeLocked(sl *slot, w *worker, now time.Time) {
	if w.run == nil {
		if (w.state == Backoff || w.state == Failed) && !now.Before(w.retryAt) && s.keptLocked(sl, w) {
			s.stepLocked(sl, w, inRetry, now)
		}
		return
	}
	f := w.run.look()
	if f.proc != nil {
		s.noteLimitsLocked(w, f.limits)
	}
	if f.exited {
		s.unroute(w) // at once, even while the rest of its tree is being ended
	}
	if f.gone {
		s.exitedLocked(sl, w, f, now)
		return
	}
	s.zombiesLocked(w, f.zombies)
	switch w.state {
	case Starting:
		s.observeStartLocked(sl, w, f, now)
	case Draining:
		if w.up == nil || w.up.InFlight() == 0 || now.Sub(w.since) >= s.drain || s.fast && s.stopping {
			s.stepLocked(sl, w, inDrained, now)
		}
	case Stopping:
		if !w.killed && now.Sub(w.since) >= s.graceLocked() {
			s.stepLocked(sl, w, inKillTimeout, now)
		}
	}
}

func (s *Supervisor) observeStartLocked(sl *slot, w *worker, f facts, now time.Time) {
	switch {
	case f.exited: // its tree is being ended
	case f.stolen:
		w.reason = ReasonPortStolen
		w.message = "another process listens on the port that was meant for it; the next worker gets another port"
		s.publish(event.WorkerKilled, w.id, fmt.Sprintf("worker %s is stopped: %s", w.id, w.message), map[string]any{"reason": string(w.reason)})
		s.stepLocked(sl, w, inStop, now)
		s.notReadyLocked(sl, w, now)
	case f.found && w.up == nil:
		s.stepLocked(sl, w, inAddress, now)
	case w.up != nil && s.isReady(w, f):
		s.stepLocked(sl, w, inReady, now)
	case w.up != nil && w.up.Maintenance(): // not probed, so it cannot become ready
	case now.Sub(w.since) >= s.cfg.ProcessManagement.StartTimeout.Std():
		w.reason, w.message = ReasonStartTimeout, s.whyNotReady(w, f)
		sl.timedOut = true
		s.publish(event.WorkerStartTimeout, w.id, fmt.Sprintf("worker %s was not ready within %s: %s", w.id, s.cfg.ProcessManagement.StartTimeout.Std(), w.message),
			map[string]any{"pid": w.pid()})
		s.stepLocked(sl, w, inStartTimeout, now)
		s.notReadyLocked(sl, w, now)
	}
}

// isReady reports whether a worker that listens may be routed to.
func (s *Supervisor) isReady(w *worker, f facts) bool {
	switch {
	case w.settings.cfg.ProcessManagement.Ready == "notify":
		return f.saidReady && s.makeReady(w)
	case !s.cfg.HealthCheck.Enabled:
		return s.makeReady(w)
	}
	return w.up.State() == pool.Healthy
}

// makeReady makes a worker healthy that is ready without probes, or where it is
// warmed first, has the prober do it; it reports whether it is healthy.
func (s *Supervisor) makeReady(w *worker) bool {
	if s.o.Warming {
		w.up.SayReady()
		return w.up.State() == pool.Healthy
	}
	s.pool.SetHealth(w.id, true, nil)
	return true
}

// whyNotReady says what a worker lacks, in an operator's words.
func (s *Supervisor) whyNotReady(w *worker, f facts) string {
	who := w.run.plan.who
	switch {
	case f.proc == nil:
		return "it could not be started yet"
	case w.up == nil:
		where := "$PORT"
		if who.Transport == "socket" {
			where = "the socket $SOCKET"
		}
		if f.elsewhere != "" {
			return fmt.Sprintf("it did not listen on %s (%s)", where, f.elsewhere)
		}
		return fmt.Sprintf("it did not listen on %s", where)
	case w.settings.cfg.ProcessManagement.Ready == "notify" && !f.saidReady:
		why := "it listens but has not said that it is ready (READY=1 to $NOTIFY_SOCKET, or process.send('ready'))"
		switch program := filepath.Base(w.settings.cfg.Command[0]); program {
		case "npm", "yarn", "pnpm":
			why += "; " + program + " does not hand the message channel on, so process.send does not exist under it: use NOTIFY_SOCKET, or start node directly"
		}
		return why
	}
	why := "its health check did not pass"
	if w.up.Probe().Warming {
		why = "it did not answer with 2xx what cache.warm asks it for"
	}
	if last := w.up.Probe().LastError; last != "" {
		why += ": " + last
	}
	return why
}
