package main

import "testing"

func TestAnswerLength_CountsHeadAndBody(t *testing.T) {
	f := func(raw string, want int64) {
		t.Helper()
		if got, err := answerLength([]byte(raw), 3); err != nil || got != want {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
	f("", 0)
	f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", 0)
	f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 41)
	f("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:3\r\n\r\nabc", 51)
}

func TestAnswerLength_RefusesOthers(t *testing.T) {
	f := func(raw string) {
		t.Helper()
		if got, err := answerLength([]byte(raw), 3); err == nil {
			t.Errorf("accepted with %d bytes: %q", got, raw)
		}
	}
	f("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nabc")
	f("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
}
