package admin

import "net/http"

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	ready, reasons := s.backend.Ready()
	if ready {
		return reply(w, http.StatusOK, Readiness{Ready: true})
	}
	return reply(w, http.StatusServiceUnavailable, Readiness{Reasons: reasons})
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, s.backend.Status())
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	if s.numbers == nil {
		return NotFound("this drover has no metrics")
	}
	s.numbers.ServeHTTP(w, r)
	return nil
}
