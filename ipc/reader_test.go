package ipc

import (
	"context"
	"errors"
	"syscall"
	"testing"
)

// The kernel may tell the end of a connection in one with what came before it.
func TestReader_SeesTheEndThatComesWithTheLastFrame(t *testing.T) {
	s := newSite(t, Options{RequestTimeout: patience})
	for range 100 {
		w := s.worker("app-1.1", true)
		failed := make(chan error, 1)
		go func() {
			_, err := s.hub.Request(context.Background(), Target{Worker: "app-1"}, "ask", []byte("1"))
			failed <- err
		}()
		w.expectBegin(`{"drover":"request"`)
		raw, err := w.end.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = raw.Control(func(fd uintptr) {
			if _, err := syscall.Write(int(fd), []byte(`{"drover":"ready"}`+"\n")); err != nil {
				t.Error(err)
			}
			if err := syscall.Shutdown(int(fd), syscall.SHUT_RDWR); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		var gone *Error
		if err := <-failed; !errors.As(err, &gone) || gone.Code != CodeWorkerGone {
			t.Fatalf("a request to a worker that has closed its channel: %v", err)
		}
		if err := w.e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
