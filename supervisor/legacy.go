package supervisor

import "slices"

// Legacy is what a supervisor leaves to the one that goes on with its pool in
// another drover. It is passed on as JSON.
type Legacy struct {
	Generations []int `json:"generations,omitempty"` // of the newest worker of each slot
	Stopped     []int `json:"stopped,omitempty"`     // slots whose worker an operator has stopped
}

// Leave returns what another drover goes on from. From now on this one leaves
// out the generation with which the other begins in each slot: both have
// workers for a while, and no two may have the same id.
func (s *Supervisor) Leave() Legacy {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l Legacy
	for _, sl := range s.slots {
		l.Generations = append(l.Generations, sl.generation)
		sl.generation++
		if sl.held {
			l.Stopped = append(l.Stopped, sl.number)
		}
	}
	return l
}

// Inherit goes on from what another drover has left. It is called before Run.
func (s *Supervisor) Inherit(l Legacy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legacy = l
}

// newSlotLocked returns the next slot, which goes on from what was inherited.
func (s *Supervisor) newSlotLocked() *slot {
	sl := &slot{number: len(s.slots) + 1}
	if sl.number <= len(s.legacy.Generations) {
		sl.generation = s.legacy.Generations[sl.number-1]
	}
	if slices.Contains(s.legacy.Stopped, sl.number) && sl.generation > 0 {
		sl.held = true
		sl.current = &worker{generation: sl.generation, id: workerID(s.pool.Name(), sl.number, sl.generation)} // to be seen, and started
	}
	return sl
}
