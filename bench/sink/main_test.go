package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSwallow_SaysHowMuchItHasRead(t *testing.T) {
	f := func(size int, want string) {
		t.Helper()
		answer := httptest.NewRecorder()
		swallow(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", size))))
		if answer.Code != http.StatusOK || answer.Body.String() != want {
			t.Errorf("answer %d %q; want %s", answer.Code, answer.Body, want)
		}
	}
	f(0, "0")
	f(1<<20, "1048576")
}
