package admin

import (
	"net/http"
	"strings"
)

// maxWeight is the largest weight of an upstream.
const maxWeight = 256

func (s *Server) upstreamVerb(verb string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := decode(r, &struct{}{}); err != nil {
			return err
		}
		return s.operate(w, r.PathValue("id"), verb, 0)
	}
}

func (s *Server) weight(w http.ResponseWriter, r *http.Request) error {
	var body WeightRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	if body.Weight == nil {
		return badRequest(`the body must say the weight: {"weight": 3}`)
	}
	if *body.Weight < 0 || *body.Weight > maxWeight {
		return Invalid("weight: %d is not a number from 0 to %d", *body.Weight, maxWeight)
	}
	return s.operate(w, r.PathValue("id"), "weight", *body.Weight)
}

// operate answers with the upstream as it is then.
func (s *Server) operate(w http.ResponseWriter, id, verb string, n int) error {
	if err := s.backend.Upstream(id, verb, n); err != nil {
		return err
	}
	if found, ok := s.findUpstream(id); ok {
		return reply(w, http.StatusOK, found)
	}
	return reply(w, http.StatusOK, Started{ID: id}) // it is gone already
}

// findUpstream finds an upstream by its id, or the newest generation of a slot.
func (s *Server) findUpstream(id string) (found Upstream, ok bool) {
	for _, p := range s.backend.Pools() {
		for _, u := range p.Upstreams {
			if u.ID == id {
				return u, true
			}
			if u.Worker && strings.HasPrefix(u.ID, id+".") {
				found, ok = u, true // lists are in order of generation
			}
		}
	}
	return found, ok
}
