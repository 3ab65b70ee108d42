package admin

import (
	"net/http"
)

// maxWorkers is how many workers a pool may have.
const maxWorkers = 1024

func (s *Server) pools(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, PoolList{Pools: listed(s.backend.Pools())})
}

func (s *Server) pool(w http.ResponseWriter, r *http.Request) error {
	p, err := s.findPool(r.PathValue("pool"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, p)
}

func (s *Server) findPool(name string) (Pool, error) {
	for _, p := range s.backend.Pools() {
		if p.Name == name {
			return p, nil
		}
	}
	return Pool{}, NotFound("there is no pool %s", quoted(name))
}

func (s *Server) scale(w http.ResponseWriter, r *http.Request) error {
	var body ScaleRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	n, auto, err := body.count()
	if err != nil {
		return err
	}
	name := r.PathValue("pool")
	if err := s.backend.Scale(name, n, auto); err != nil {
		return err
	}
	p, err := s.findPool(name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, p)
}

func (b ScaleRequest) count() (n int, auto bool, err error) {
	switch v := b.Workers.(type) {
	case string:
		if v == "auto" {
			return 0, true, nil
		}
	case float64:
		if v >= 0 && v <= maxWorkers && v == float64(int(v)) {
			return int(v), false, nil
		}
	case nil:
		return 0, false, badRequest(`the body must say how many: {"workers": 4}, or {"workers": "auto"}`)
	}
	return 0, false, Invalid("workers: %v is not a number from 0 to %d, nor \"auto\"", b.Workers, maxWorkers)
}

func (s *Server) restart(w http.ResponseWriter, r *http.Request) error {
	id, err := s.backend.Restart(r.PathValue("pool"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, Started{ID: id})
}

func (s *Server) operation(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	o, ok := s.backend.Operation(id)
	if !ok {
		return NotFound("there is no operation %s", quoted(id))
	}
	return reply(w, http.StatusOK, o)
}

// listed makes an empty list of a nil one, which JSON would show as null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
