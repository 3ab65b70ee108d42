package supervisor

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/event"
)

// recycleLocked notes which workers are to be replaced since they have served or
// lived long enough, or use too much memory. When that happens is up to replaceLocked. A roll replaces
// all of them anyway, and a worker that an operator has drained is left to him.
func (s *Supervisor) recycleLocked(now time.Time) {
	if s.roll != nil {
		return
	}
	for _, sl := range s.slots {
		w := sl.current
		if !w.running() || w.up == nil || w.replace != "" || w.up.Drained() || w.up.Maintenance() || now.Before(w.postponed) {
			continue
		}
		why, words := s.wornLocked(w, now)
		if why == "" {
			continue
		}
		w.replace, w.dueAt = why, now
		s.publish(event.WorkerRecycling, w.id, fmt.Sprintf("worker %s is to be replaced: %s", w.id, words),
			map[string]any{"reason": string(why), "requests": w.up.Requests(), "uptime": now.Sub(w.started).Seconds()})
	}
}

// wornLocked returns why a worker is to be recycled, and the same in words; ""
// when it is not.
func (s *Supervisor) wornLocked(w *worker, now time.Time) (Reason, string) {
	if w.up.Address == "" && w.settings.cfg.MustListen() {
		return ReasonReload, "it listens nowhere, and by the settings that hold now it has to"
	}
	if words := s.critical(w); words != "" {
		return ReasonMemory, words
	}
	if words := s.leaking(w); words != "" {
		return ReasonLeak, words
	}
	pm := s.cfg.ProcessManagement
	early := 1 - w.luck*pm.RecycleJitter.Ratio()
	if n := w.up.Requests(); pm.MaxRequests > 0 && float64(n) >= early*float64(pm.MaxRequests) {
		return ReasonMaxRequests, fmt.Sprintf("it has served %d requests, and processManagement.maxRequests is %d", n, pm.MaxRequests)
	}
	if age := now.Sub(w.readyAt); pm.MaxLifetime > 0 && float64(age) >= early*float64(pm.MaxLifetime.Std()) {
		return ReasonMaxLifetime, fmt.Sprintf("it has been ready for %s, and processManagement.maxLifetime is %s", age.Round(time.Second), pm.MaxLifetime.Std())
	}
	return "", ""
}
