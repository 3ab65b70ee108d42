package process

import "time"

// killStrays ends, at the end of all trees, the orphans that were re-parented to this process and
// carry no mark: whatever was in no session of ours and is our child now came from a tree. What
// the program itself has started by other means is in our session and left alone, and so are those
// whom PID 1 has inherited from elsewhere, with whom the kernel deals when it ends.
func (s *Spawner) killStrays() {
	if !s.adopts || s.self == 1 {
		return
	}
	killTree(time.Now().Add(killLimit), func() []proc {
		t, err := s.tables.read()
		if err != nil {
			return nil
		}
		guardian := s.guardian.process()
		found := search{table: t, view: viewpoint{session: s.session}, found: make(map[int]struct{})}
		for _, child := range t.children[s.self] {
			if child != guardian && !s.isFree(child) {
				found.add(t.procs[child])
			}
		}
		found.spread()
		return found.alive
	})
}

// isFree reports whether a child was let go.
func (s *Spawner) isFree(pid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, free := s.free[pid]
	return free
}
