package admin

import (
	"fmt"
	"net/http"
)

func (s *Server) workers(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, WorkerList{Workers: listed(s.backend.Workers())})
}

func (s *Server) worker(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	found, ok := s.findWorker(id)
	if !ok {
		return NotFound("there is no worker %s", quoted(id))
	}
	found.Footprint = s.backend.Footprint(found.ID)
	return reply(w, http.StatusOK, found)
}

// findWorker finds a worker by its id, or the newest one of a slot by POOL-SLOT.
func (s *Server) findWorker(id string) (found Worker, ok bool) {
	for _, w := range s.backend.Workers() {
		if w.ID == id {
			return w, true
		}
		if fmt.Sprintf("%s-%d", w.Pool, w.Slot) == id && (!ok || w.Generation > found.Generation) {
			found, ok = w, true
		}
	}
	return found, ok
}

// workerVerb answers with the worker as it is then. What ends its process goes
// on after the answer, which therefore is 202.
func (s *Server) workerVerb(verb string) func(http.ResponseWriter, *http.Request) error {
	status := http.StatusOK
	if verb == "restart" || verb == "stop" {
		status = http.StatusAccepted
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		if err := decode(r, &struct{}{}); err != nil {
			return err
		}
		if err := s.backend.Worker(id, verb); err != nil {
			return err
		}
		if found, ok := s.findWorker(id); ok {
			return reply(w, status, found)
		}
		return reply(w, status, Started{ID: id}) // it is gone already
	}
}
