package admin

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is a refusal with its HTTP status. Backend methods return one to choose
// the status; other errors are 500.
type Error struct {
	Status  int      `json:"-"`
	Code    string   `json:"code"` // short and fixed: not-found, conflict, bad-settings, …
	Message string   `json:"message"`
	Details []string `json:"details,omitempty"` // one per fault of the settings
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ErrorBody is how an Error is sent.
type ErrorBody struct {
	Error *Error `json:"error"`
}

// NotFound is 404: what was named does not exist.
func NotFound(format string, args ...any) *Error {
	return &Error{Status: http.StatusNotFound, Code: "not-found", Message: fmt.Sprintf(format, args...)}
}

// Conflict is 409: not possible now.
func Conflict(format string, args ...any) *Error {
	return &Error{Status: http.StatusConflict, Code: "conflict", Message: fmt.Sprintf(format, args...)}
}

// Invalid is 422: values that make no sense.
func Invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Code: "invalid", Message: fmt.Sprintf(format, args...)}
}

// BadSettings is 422: the settings file is wrong; details has a line for each fault.
func BadSettings(message string, details []string) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Code: "bad-settings", Message: message, Details: details}
}

func badRequest(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "bad-request", Message: fmt.Sprintf(format, args...)}
}

// asError makes an Error of any error.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Code: "internal", Message: err.Error()}
}
