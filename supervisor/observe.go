package supervisor

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// silentAfter is how long a worker that need not listen, and does not speak for
// itself, has to run until it is taken for one that listens nowhere. One that
// cannot run at all has mostly ended by then.
const silentAfter = time.Second

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
	case Running:
		if f.found && w.up != nil && w.up.Address == "" {
			s.heardLocked(sl, w)
		}
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
	if f.proc != nil && !w.runs {
		w.runs, w.since = true, now // what starting it took, as on a busy machine, is not counted against it, nor for it
	}
	switch {
	case f.exited: // its tree is being ended
	case f.stolen:
		w.reason = ReasonPortStolen
		w.message = "another process listens on the port that was meant for it; the next worker gets another port"
		s.publish(event.WorkerKilled, w.id, fmt.Sprintf("worker %s is stopped: %s", w.id, w.message), map[string]any{"reason": string(w.reason)})
		s.stepLocked(sl, w, inStop, now)
		s.notReadyLocked(sl, w, now)
	case f.found && w.up != nil && w.up.Address == "":
		s.heardLocked(sl, w)
	case w.up == nil && (f.found || s.silent(w, f, now)):
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

// silent reports whether a worker that need not listen counts as one that does
// not: it says that it is ready, or has run for a while.
func (s *Supervisor) silent(w *worker, f facts, now time.Time) bool {
	switch {
	case f.proc == nil || w.settings.cfg.MustListen():
		return false
	case w.settings.cfg.ProcessManagement.Ready == "notify":
		return f.saidReady
	}
	return now.Sub(w.since) >= silentAfter
}

// isReady reports whether a worker that listens, or need not, is ready.
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
	case w.up == nil && w.settings.cfg.MustListen():
		why := "it did not listen on $PORT"
		if who.Transport == "socket" {
			why = "it did not listen on the socket $SOCKET"
		}
		if f.elsewhere != "" {
			why += fmt.Sprintf(" (%s)", f.elsewhere)
		}
		if w.settings.cfg.Background {
			why += fmt.Sprintf(", where healthCheck.type %s looks for it; for a worker that listens nowhere leave healthCheck out and say ready: notify, or use type ipc or exec, or enabled: false", w.settings.cfg.HealthCheck.Type)
		} else if f.saidReady {
			why += ", though it says that it is ready; a worker that listens nowhere needs a pool that no listener and no route names"
		}
		return why
	case w.settings.cfg.ProcessManagement.Ready == "notify" && !f.saidReady:
		why := "it has not said that it is ready (READY=1 to $NOTIFY_SOCKET, or process.send('ready'))"
		if f.found {
			why = "it listens but has not said that it is ready (READY=1 to $NOTIFY_SOCKET, or process.send('ready'))"
		}
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
