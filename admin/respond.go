package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.uber.org/zap"
)

// reply sends body as JSON, on a line of its own for people with curl.
func reply(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client went away
	return nil
}

func (s *Server) refuse(w http.ResponseWriter, e *Error) {
	if e.Status == http.StatusInternalServerError { // others of 5xx tell of workers
		s.log.Error("admin request failed", zap.String("error", e.Message))
	}
	if err := reply(w, e.Status, ErrorBody{e}); err != nil {
		http.Error(w, e.Message, e.Status)
	}
}

// decode reads the body of a change into to; an empty one leaves it as it is.
func decode(r *http.Request, to any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(to)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &tooLarge):
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Message: fmt.Sprintf("the body is larger than %d KB", tooLarge.Limit>>10)}
	case err != nil:
		return badRequest("the body is not what this endpoint takes: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest("there is more after the JSON value of the body")
	}
	return nil
}
