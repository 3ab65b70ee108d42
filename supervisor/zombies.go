package supervisor

import (
	"fmt"

	"github.com/drover-proxy/drover/event"
)

// manyZombies are more than a program has that is only slow to wait for its children.
const manyZombies = 10

// zombiesLocked tells of a worker whose ended children pile up, since it does not
// wait for them: each keeps a place in the table of processes until the worker
// ends. It is told of again when they have doubled.
func (s *Supervisor) zombiesLocked(w *worker, n int) {
	if n < manyZombies {
		w.zombies = 0
		return
	}
	if !s.cfg.ProcessManagement.ZombieDetection || n < 2*w.zombies {
		return
	}
	w.zombies = n
	s.publish(event.WorkerZombies, w.id, fmt.Sprintf("worker %s has %d ended children that it does not wait for", w.id, n), map[string]any{"zombies": n})
}
