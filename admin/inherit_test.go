package admin

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/drover-proxy/drover/config"
)

func TestServer_IsHandedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	listen := func(cfg config.Admin, inherited map[string]*os.File) *Server {
		t.Helper()
		s, err := New(Options{Config: cfg, Backend: &fake{ready: true}, Metrics: http.NotFoundHandler(), Inherited: inherited})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	run := func(s *Server) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		return func() {
			t.Helper()
			cancel()
			<-s.Closing()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	cfg := config.Admin{Address: "127.0.0.1:0", Socket: path}
	old := listen(cfg, nil)
	address := old.Address()
	stopOld := run(old)
	files, err := old.Files()
	if err != nil {
		t.Fatal(err)
	}
	next := listen(cfg, files)
	for _, f := range files {
		_ = f.Close()
	}
	stopNext := run(next)
	old.HandOver()
	stopOld()
	if next.Address() != address || next.SocketPath() != path {
		t.Errorf("it is at %s and %s, not at %s and %s", next.Address(), next.SocketPath(), address, path)
	}
	answer, err := http.Get("http://" + address + "/healthz")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	_ = answer.Body.Close()
	if !answers(path) {
		t.Error("nobody answers at the socket")
	}
	stopNext()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestServer_TakesNoSocketThatIsForAnotherSetting(t *testing.T) {
	dir := t.TempDir()
	listen := func(name string, inherited map[string]*os.File) *Server {
		t.Helper()
		s, err := New(Options{Config: config.Admin{Socket: filepath.Join(dir, name)}, Backend: &fake{}, Metrics: http.NotFoundHandler(), Inherited: inherited})
		if err == nil {
			err = s.Listen()
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	old := listen("a.sock", nil)
	defer old.Close()
	files, err := old.Files()
	if err != nil {
		t.Fatal(err)
	}
	next := listen("b.sock", files)
	defer next.Close()
	if want := filepath.Join(dir, "b.sock"); next.SocketPath() != want {
		t.Errorf("it is at %s, not at %s", next.SocketPath(), want)
	}
	for _, f := range files {
		_ = f.Close()
	}
}
