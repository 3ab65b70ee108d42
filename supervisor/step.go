package supervisor

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
)

// fastKill is the time from the stop signal to SIGKILL after StopFast.
const fastKill = time.Second

// stepLocked takes one step of the table and does what it says.
func (s *Supervisor) stepLocked(sl *slot, w *worker, in input, now time.Time) {
	st, err := next(w.state, in)
	if err != nil {
		s.publish(event.Internal, w.id, fmt.Sprintf("worker %s: %v", w.id, err), nil)
		return
	}
	if st.next != w.state || st.do == actSpawn {
		w.state, w.since = st.next, now
	}
	s.moved = true
	switch st.do {
	case actSpawn:
		s.spawnLocked(sl, w, now)
	case actAdd:
		s.addLocked(sl, w, pool.Starting)
	case actServe:
		s.serveLocked(sl, w, now)
	case actDrain:
		s.pool.StartDrain(w.id)
		s.publish(event.WorkerDraining, w.id, fmt.Sprintf("worker %s drains (%s)", w.id, w.reason), map[string]any{"reason": string(w.reason)})
	case actTerminate:
		s.unroute(w)
		pm := s.cfg.ProcessManagement
		w.run.send(order{kind: orderTerminate, sig: pm.Signal(), grace: s.graceLocked()})
	case actDestroy:
		s.unroute(w)
		w.killed = true
		w.run.send(order{kind: orderDestroy, cause: w.message, dump: s.cfg.ProcessManagement.Dump()})
	case actSlay:
		s.unroute(w)
		w.killed = true
		w.run.send(order{kind: orderKill})
	case actKill:
		w.killed = true
		if s.stopping {
			s.cut++
		}
		w.run.send(order{kind: orderKill})
		s.publish(event.WorkerKilled, w.id, fmt.Sprintf("worker %s is killed: it did not end within %s of %s", w.id, s.graceLocked(), s.cfg.ProcessManagement.StopSignal),
			map[string]any{"reason": string(w.reason)})
	case actDelay, actFail:
		s.unroute(w)
	case actForget:
		s.unroute(w)
		sl.drop(w)
	}
}

// graceLocked is the time from the stop signal to SIGKILL.
func (s *Supervisor) graceLocked() time.Duration {
	grace := s.cfg.ProcessManagement.GracefulShutdownTimeout.Std()
	if s.fast && s.stopping {
		return min(grace, fastKill)
	}
	return grace
}

// unroute takes the worker out of the pool, if it is there.
func (s *Supervisor) unroute(w *worker) {
	if w.up != nil {
		s.pool.Remove(w.id)
		w.up = nil
	}
}

// spawnLocked starts a process of the next generation in the worker's place.
func (s *Supervisor) spawnLocked(sl *slot, w *worker, now time.Time) {
	if cause := w.reason; cause != "" && cause != ReasonScaleIn && cause != ReasonStop {
		s.restarts[cause]++
		sl.restarts++
	}
	sl.generation++
	if sl.policy == nil {
		sl.policy = NewRestartPolicy(s.cfg.ProcessManagement)
	}
	started := s.good
	if s.roll != nil {
		started = s.roll.settings
	}
	*w = worker{generation: sl.generation, id: workerID(s.pool.Name(), sl.number, sl.generation), settings: started,
		state: w.state, since: now, started: now, luck: rand.Float64()}
	w.run = newRunner(plan{
		who: identity{ID: w.id, Pool: s.pool.Name(), Slot: sl.number, Generation: sl.generation,
			Transport: started.cfg.Transport, Executable: s.o.Executable},
		cfg: started.cfg, options: &s.o,
	}, s.launch, s.wake)
	s.runners.Go(w.run.run)
}

// addLocked puts the worker into the pool, where probes begin. One that listens
// nowhere has no address there.
func (s *Supervisor) addLocked(sl *slot, w *worker, state pool.State) {
	f := w.run.look()
	found := f.address
	up, err := s.pool.Add(pool.Spec{
		ID: w.id, Label: fmt.Sprintf("%s-%d", s.pool.Name(), sl.number), Network: found.network, Address: found.at, Verify: f.verify,
		Weight: 1, Spawned: true, Slot: sl.number, Generation: w.generation, State: state,
	})
	if err != nil { // an id is never used twice; the start timeout ends this worker
		s.publish(event.Internal, w.id, fmt.Sprintf("add worker %s to its pool: %v", w.id, err), nil)
		return
	}
	w.up = up
}

// heardLocked has a worker that was taken for one that listens nowhere get
// requests where it now does.
func (s *Supervisor) heardLocked(sl *slot, w *worker) {
	old, state := w.up, w.up.State()
	s.unroute(w)
	s.addLocked(sl, w, state)
	s.pool.SetDrained(w.id, old.Drained())
	s.pool.SetMaintenance(w.id, old.Maintenance())
}

// serveLocked notes that a worker is ready. The one it replaces drains.
func (s *Supervisor) serveLocked(sl *slot, w *worker, now time.Time) {
	w.readyAt = now
	s.ready, sl.ready = true, true
	sl.failures, sl.exits, sl.timedOut, sl.failed = 0, 0, false, false
	where := "on " + w.up.Address
	if w.up.Address == "" {
		where = "without listening"
	}
	s.publish(event.WorkerReady, w.id, fmt.Sprintf("worker %s is ready %s after %s", w.id, where, now.Sub(w.started).Round(time.Millisecond)),
		map[string]any{"pid": w.pid(), "address": w.up.Address})
	if w != sl.next {
		return
	}
	sl.promote()
	if old := sl.last; old.running() {
		s.leaveLocked(sl, old, cmp.Or(s.replacedForLocked(old), ReasonOperator), now)
	}
}
