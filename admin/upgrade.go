package admin

import (
	"errors"
	"net/http"
	"time"
)

func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) error {
	if err := decode(r, &struct{}{}); err != nil {
		return err
	}
	// The workers of the new one may take longer to be ready than requests may take to be read.
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	result, err := s.backend.Upgrade(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, result)
}
