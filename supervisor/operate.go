package supervisor

import (
	"fmt"
	"time"
)

// WorkerDrain stops new requests to a worker; the process stays and is probed.
// id is app-3 (the newest in slot 3) or app-3.7, as with the other verbs. The
// error is ErrUnknownWorker or ErrNotPossible.
func (s *Supervisor) WorkerDrain(id string) error { return s.setDrained(id, true) }

// WorkerResume takes WorkerDrain, and maintenance, back.
func (s *Supervisor) WorkerResume(id string) error { return s.setDrained(id, false) }

func (s *Supervisor) setDrained(id string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, w, err := s.findLocked(id)
	if err != nil {
		return err
	}
	if w.up == nil || w.state == Draining {
		return fmt.Errorf("worker %s is %s and gets no requests: %w", w.id, w.state, ErrNotPossible)
	}
	s.pool.SetDrained(w.id, on)
	if !on {
		s.pool.SetMaintenance(w.id, false)
	}
	return nil
}

// WorkerRestart replaces one worker, the replacement first; one that has no
// process is started now. It returns at once.
func (s *Supervisor) WorkerRestart(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl, w, err := s.findLocked(id)
	if err != nil {
		return err
	}
	switch {
	case s.stopping:
		return fmt.Errorf("restart worker %s: %w", w.id, ErrStopping)
	case w == sl.next:
		return fmt.Errorf("worker %s is itself a replacement that is starting: %w", w.id, ErrNotPossible)
	case w != sl.current || sl.retiring || w.state == Draining || w.state == Stopping:
		return fmt.Errorf("worker %s is %s: %w", w.id, w.state, ErrNotPossible)
	}
	sl.forgive()
	switch w.state {
	case Backoff, Failed:
		w.retryAt = time.Now()
	case Starting, Running:
		w.replace, w.dueAt = ReasonOperator, time.Now()
	}
	s.wake()
	return nil
}

// WorkerStop drains and stops the worker of a slot, which stays empty until
// WorkerRestart, Restart or new settings. It returns at once.
func (s *Supervisor) WorkerStop(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl, w, err := s.findLocked(id)
	if err != nil {
		return err
	}
	if w == sl.last || sl.held || sl.retiring || s.stopping || w.state == Stopped {
		return fmt.Errorf("worker %s is %s: %w", w.id, w.state, ErrNotPossible)
	}
	sl.held, sl.failed = true, false
	s.wake()
	return nil
}

// findLocked returns the worker of an id.
func (s *Supervisor) findLocked(id string) (*slot, *worker, error) {
	number, generation, ok := parseID(s.pool.Name(), id)
	if !ok || number > len(s.slots) {
		return nil, nil, fmt.Errorf("worker %s: %w", id, ErrUnknownWorker)
	}
	sl := s.slots[number-1]
	var found *worker
	for _, w := range sl.workers() {
		if w.generation == generation || generation == 0 && (found == nil || w.generation > found.generation) {
			found = w
		}
	}
	if found == nil || found.generation == 0 {
		return nil, nil, fmt.Errorf("worker %s: %w", id, ErrUnknownWorker)
	}
	return sl, found, nil
}
