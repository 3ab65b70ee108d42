package supervisor

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/drover-proxy/drover/event"
)

// keptLocked reports whether a worker that ends is to be followed by another.
func (s *Supervisor) keptLocked(sl *slot, w *worker) bool {
	_, ends := s.endsLocked(sl)
	return !ends && w == sl.current && sl.next == nil
}

// exitedLocked deals with a worker of which nothing is left.
func (s *Supervisor) exitedLocked(sl *slot, w *worker, f facts, now time.Time) {
	if w.reason == "" {
		w.reason, w.message = s.causeLocked(w, f)
	}
	if f.oom && !w.killed {
		s.publish(event.WorkerKilled, w.id, fmt.Sprintf("worker %s is killed by the kernel: it used more than resources.maxMemoryPerWorker, %s", w.id, w.settings.cfg.Resources.MaxMemoryPerWorker),
			map[string]any{"reason": string(ReasonOutOfMemory)})
	}
	words := w.exitWords(f)
	w.run = nil
	sl.lastReason, sl.lastWords = w.reason, words
	sl.remember(Life{Generation: w.generation, Started: w.started, Ended: now, Reason: w.reason, Exit: f.words()})
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
func (s *Supervisor) causeLocked(w *worker, f facts) (Reason, string) {
	switch {
	case f.startErr != nil:
		return ReasonStartFailed, f.startErr.Error()
	case f.oom && (f.exit.Signal != 0 || f.exit.Code != 0):
		return ReasonOutOfMemory, fmt.Sprintf("it used more than resources.maxMemoryPerWorker, %s", w.settings.cfg.Resources.MaxMemoryPerWorker)
	case f.exit.Signal == syscall.SIGKILL && s.oom.happened():
		return ReasonOutOfMemory, "the kernel killed it for want of memory"
	case f.portTaken:
		return ReasonPortStolen, "its port is in use by another process; the next worker gets another port"
	case f.exit.Signal == 0 && f.exit.Code == 0:
		return ReasonExit, ""
	}
	return ReasonCrash, ""
}

// words says how the process ended.
func (f facts) words() string {
	switch {
	case f.startErr != nil:
		return "not started: " + f.startErr.Error()
	case f.stuck:
		return "does not end"
	}
	return f.exit.String()
}

// exitWords says how a worker ended.
func (w *worker) exitWords(f facts) string {
	if f.startErr != nil {
		return fmt.Sprintf("worker %s could not be started: %v", w.id, f.startErr)
	}
	words := fmt.Sprintf("worker %s ended with %s", w.id, f.exit)
	if f.stuck {
		words = fmt.Sprintf("worker %s does not end and is left alone", w.id)
	}
	if w.message != "" {
		words += ": " + w.message
	}
	return words
}

// notReadyLocked counts a try that did not become ready. A roll it belongs to
// is abandoned, and so is an operator's restart; a recycling is put off.
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
		again := ""
		if cur.replace != ReasonOperator {
			wait := s.cfg.ProcessManagement.MaxRestartDelay.Std()
			cur.postponed, again = now.Add(wait), fmt.Sprintf("; it is tried again in %s", wait)
		}
		cur.replace = ""
		s.publish(event.RollFailed, cur.id, fmt.Sprintf("worker %s keeps serving: its replacement %s did not become ready: %s%s", cur.id, w.id, why, again), nil)
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
