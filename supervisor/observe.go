package supervisor

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
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
	if f.exited {
		s.unroute(w) // at once, even while the rest of its tree is being ended
	}
	if f.gone {
		s.exitedLocked(sl, w, f, now)
		return
	}
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
		if !f.saidReady {
			return false
		}
		s.pool.SetHealth(w.id, true, nil)
		return true
	case !s.cfg.HealthCheck.Enabled:
		s.pool.SetHealth(w.id, true, nil)
		return true
	}
	return w.up.State() == pool.Healthy
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
	if last := w.up.Probe().LastError; last != "" {
		why += ": " + last
	}
	return why
}

// keptLocked reports whether a worker that ends is to be followed by another.
func (s *Supervisor) keptLocked(sl *slot, w *worker) bool {
	_, ends := s.endsLocked(sl)
	return !ends && w == sl.current && sl.next == nil
}

// exitedLocked deals with a worker of which nothing is left.
func (s *Supervisor) exitedLocked(sl *slot, w *worker, f facts, now time.Time) {
	if w.reason == "" {
		w.reason, w.message = s.causeLocked(f)
	}
	words := w.exitWords(f)
	w.run = nil
	sl.lastReason, sl.lastWords = w.reason, words
	s.publish(event.WorkerExited, w.id, words, map[string]any{"reason": string(w.reason), "uptime": now.Sub(w.started).Seconds()})

	// A worker that was stopped because it was not ready was counted then.
	failedStart := w.readyAt.IsZero() && !w.reason.Planned() && w.state == Starting
	in := inExitUnwanted
	switch {
	case !s.keptLocked(sl, w):
	case w.reason.Planned():
		in = inExitPlanned
	case !s.cfg.ProcessManagement.Respawn:
		sl.ended = true
	default:
		in = s.afterFailureLocked(sl, w, now)
	}
	s.stepLocked(sl, w, in, now)
	if failedStart {
		s.notReadyLocked(sl, w, now)
	}
}

// afterFailureLocked asks the restart policy what follows an unplanned exit.
func (s *Supervisor) afterFailureLocked(sl *slot, w *worker, now time.Time) input {
	var ready time.Duration
	if !w.readyAt.IsZero() {
		ready = now.Sub(w.readyAt)
	}
	v := sl.policy.Exited(now, ready)
	w.retryAt = now.Add(v.Delay)
	attrs := map[string]any{"reason": string(w.reason), "delay": v.Delay.Seconds()}
	if v.Failed {
		sl.failed = true
		pm := s.cfg.ProcessManagement
		s.publish(event.SlotFailed, fmt.Sprintf("%s-%d", s.pool.Name(), sl.number),
			fmt.Sprintf("slot %d of pool %s failed: its workers ended %d times within %s without being asked to (last: %s); it is tried again every %s",
				sl.number, s.pool.Name(), max(pm.MaxRestarts, 1), pm.RestartWindow.Std(), w.reason, pm.MaxRestartDelay.Std()), attrs)
		return inExitExhausted
	}
	s.publish(event.WorkerBackoff, w.id, fmt.Sprintf("the next worker of slot %d of pool %s starts in %s", sl.number, s.pool.Name(), v.Delay.Round(time.Millisecond)), attrs)
	return inExitFailed
}

// causeLocked names why a process ended that nobody had asked to.
func (s *Supervisor) causeLocked(f facts) (Reason, string) {
	switch {
	case f.startErr != nil:
		return ReasonStartFailed, f.startErr.Error()
	case f.exit.Signal == syscall.SIGKILL && s.oom.happened():
		return ReasonOutOfMemory, "the kernel killed it for want of memory"
	case f.portTaken:
		return ReasonPortStolen, "its port is in use by another process; the next worker gets another port"
	case f.exit.Signal == 0 && f.exit.Code == 0:
		return ReasonExit, ""
	}
	return ReasonCrash, ""
}

// exitWords says how a worker ended.
func (w *worker) exitWords(f facts) string {
	if f.startErr != nil {
		return fmt.Sprintf("worker %s could not be started: %v", w.id, f.startErr)
	}
	words := fmt.Sprintf("worker %s ended with %s", w.id, f.exit)
	if w.message != "" {
		words += ": " + w.message
	}
	return words
}

// notReadyLocked counts a try that did not become ready. A roll it belongs to
// is abandoned, and so is an operator's restart.
func (s *Supervisor) notReadyLocked(sl *slot, w *worker, now time.Time) {
	sl.failures++
	if !sl.ready {
		sl.exits++
	}
	why := w.message
	if why == "" {
		why = sl.lastWords
	}
	if s.roll != nil && w.settings == s.roll.settings {
		if w.reason == ReasonPortStolen && s.roll.stolen < maxStolen {
			s.roll.stolen++ // says nothing about the new worker
			return
		}
		s.abandonRollLocked(errors.New(why), w.id, now)
		return
	}
	if cur := sl.current; s.roll == nil && cur != nil && cur.replace != "" && cur != w && cur.running() {
		cur.replace = ""
		s.publish(event.RollFailed, cur.id, fmt.Sprintf("worker %s keeps serving: its replacement %s did not become ready: %s", cur.id, w.id, why), nil)
	}
}

// pid returns the worker's process id, 0 without a process.
func (w *worker) pid() int {
	if w.run == nil {
		return 0
	}
	if p := w.run.look().proc; p != nil {
		return p.PID()
	}
	return 0
}
