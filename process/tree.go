package process

import "time"

// identity names one process for ever: a pid is used again, but not with the same start time.
type identity struct {
	pid   int
	start uint64
}

// root is what is remembered of a started process for finding its tree. Its pid is that of a session
// and group, too. It is not safe for concurrent use.
type root struct {
	identity
	mark  mark
	known map[identity]struct{} // members that were seen, the root among them
	// newest is when the newest table was begun that was searched.
	newest time.Time
}

func newRoot(id identity, m mark) *root {
	return &root{identity: id, mark: m, known: map[identity]struct{}{id: {}}}
}

// viewpoint is who looks for trees.
type viewpoint struct {
	session int // of the looking process, which no member of a tree can be in
	adopter int // the pid that orphans are re-parented to; 0: not known
	// taken reports whether a pid, session or group is that of another root, so that a mark alone
	// cannot claim it: a check is started with the environment of the worker that it checks.
	taken func(number int) bool
	// environ returns the environment that a process was started with; nil when it cannot be read.
	environ func(pid int) []byte
}

// members returns the processes of the tree that are alive and remembers them. Zombies are no
// members. All that is found:
//
//   - members seen earlier,
//   - what is in a session or group that a member leads: a session or group number is not used again
//     as long as one process is in it,
//   - children of members,
//   - what carries the mark and belongs to nobody else.
func (r *root) members(t *table, v viewpoint) []proc {
	s := search{table: t, view: v, found: make(map[int]struct{})}
	for id := range r.known {
		if p, ok := t.procs[id.pid]; ok && p.start == id.start {
			s.add(p)
		} else if !t.begun.Before(r.newest) { // an older table does not have whom a newer one has shown
			delete(r.known, id)
		}
	}
	if t.begun.After(r.newest) {
		r.newest = t.begun
	}
	// The root's own number stays taken until it was waited for and its session is empty. A process
	// that has it and another start time says that both happened.
	if p, ok := t.procs[r.pid]; !ok || p.start == r.start {
		s.addSession(r.pid)
	}
	s.spread()
	if r.mark.id != "" {
		for _, p := range t.procs {
			if s.bearsMark(p, r) {
				s.add(p)
			}
		}
		s.spread()
	}
	for _, p := range s.alive {
		r.known[identity{p.pid, p.start}] = struct{}{}
	}
	return s.alive
}

// search grows a set of members until nothing is added.
type search struct {
	table    *table
	view     viewpoint
	found    map[int]struct{}
	sessions map[int]struct{}
	pending  []proc
	alive    []proc
	grown    bool // sessions got a new one
}

func (s *search) has(pid int) bool {
	_, ok := s.found[pid]
	return ok
}

func (s *search) add(p proc) {
	if s.has(p.pid) || p.session == s.view.session {
		return
	}
	s.found[p.pid] = struct{}{}
	s.pending = append(s.pending, p)
	if !p.gone() {
		s.alive = append(s.alive, p)
	}
	s.addSession(p.session)
}

func (s *search) addSession(number int) {
	if _, ok := s.sessions[number]; ok || number == 0 || number == s.view.session {
		return
	}
	if s.sessions == nil {
		s.sessions = make(map[int]struct{})
	}
	s.sessions[number] = struct{}{}
	s.grown = true
}

// spread adds children of members and the rest of their sessions until there are no more. A process
// group lies within one session, so groups add nothing.
func (s *search) spread() {
	for len(s.pending) > 0 || s.grown {
		for len(s.pending) > 0 {
			p := s.pending[len(s.pending)-1]
			s.pending = s.pending[:len(s.pending)-1]
			for _, child := range s.table.children[p.pid] {
				s.add(s.table.procs[child])
			}
		}
		if s.grown {
			s.grown = false
			for _, p := range s.table.procs {
				if _, ok := s.sessions[p.session]; ok {
					s.add(p)
				}
			}
		}
	}
}

// bearsMark looks at the environment of those processes that may have escaped from the root.
func (s *search) bearsMark(p proc, r *root) bool {
	const kthreadd = 2 // the parent of kernel threads
	switch {
	case p.gone(), p.start < r.start, p.pid == 1, p.ppid == kthreadd, p.session == s.view.session:
		return false
	case s.view.taken(p.pid), s.view.taken(p.session), s.view.taken(p.pgrp):
		return false
	}
	if s.has(p.pid) {
		return false
	}
	if s.view.adopter != 0 {
		// Orphans of ours are our children, and nobody else's are.
		return p.ppid == s.view.adopter && r.mark.named(s.view.environ(p.pid))
	}
	return r.mark.proven(s.view.environ(p.pid))
}
