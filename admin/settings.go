package admin

import (
	"net/http"
)

func (s *Server) config(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, s.backend.Config())
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) error {
	if err := decode(r, &struct{}{}); err != nil {
		return err
	}
	result, err := s.backend.Reload()
	if err != nil {
		return err
	}
	result.Added, result.Removed = listed(result.Added), listed(result.Removed)
	result.Rolled, result.Applied = listed(result.Rolled), listed(result.Applied)
	result.NeedsRestart = listed(result.NeedsRestart)
	if result.Operations == nil {
		result.Operations = map[string]string{}
	}
	return reply(w, http.StatusOK, result)
}

func (s *Server) stop(w http.ResponseWriter, r *http.Request) error {
	var body StopRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	s.backend.Stop(body.Now)
	return reply(w, http.StatusAccepted, Stopping{State: "stopping"})
}
