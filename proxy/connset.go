package proxy

import "sync"

// connset is the open connections of one listener.
type connset struct {
	mu   sync.Mutex
	all  []*conn
	idle chan struct{} // closed when the set is empty, while somebody waits for that
}

func (s *connset) add(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.index = len(s.all)
	s.all = append(s.all, c)
}

func (s *connset) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.index < 0 {
		return
	}
	last := len(s.all) - 1
	s.all[c.index] = s.all[last]
	s.all[c.index].index = c.index
	s.all[last] = nil
	s.all = s.all[:last]
	c.index = -1
	if last == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// each calls f with every connection; f must not wait.
func (s *connset) each(f func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		f(c)
	}
}

// empty returns a channel that is closed as soon as no connection is open.
func (s *connset) empty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	if len(s.all) == 0 {
		close(s.idle)
		s.idle = nil
	}
	return idle
}
