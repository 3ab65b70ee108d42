package workertest

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/process"
)

func TestMain(m *testing.M) { Main(m) }

// running is a started worker.
type running struct {
	*process.Process
	base   string
	client *http.Client
}

func run(t *testing.T, s *process.Spawner, extra map[string]string, mode string, args ...string) *running {
	t.Helper()
	argv, env := Command(mode, args...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	env["PORT"], env["DROVER_WORKER_ID"] = port, "app-1.1"
	maps.Copy(env, extra)
	spec := process.Spec{ID: "app-1.1", Argv: argv, Stderr: os.Stderr}
	for name, value := range env {
		spec.Env = append(spec.Env, name+"="+value)
	}
	p, err := s.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	r := &running{Process: p, base: "http://127.0.0.1:" + port, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if path := env["SOCKET"]; path != "" {
		r.client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
	}
	return r
}

// get waits until the worker answers.
func (r *running) get(t *testing.T, path string) string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		response, err := r.client.Get(r.base + path)
		if err == nil {
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestModes_DoWhatTheyPromise(t *testing.T) {
	s, err := process.New(process.Options{Subreaper: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ends := func(want, mode string, args ...string) {
		t.Helper()
		w := run(t, s, nil, mode, args...)
		<-w.Done()
		if got := w.Exit().String(); got != want {
			t.Errorf("%s %v: %s, want %s", mode, args, got, want)
		}
		w.Kill()
	}
	ends("exit status 0", "exit0")
	ends("exit status 1", "crash")
	ends("exit status 3", "crash", "20", "3")
	ends("exit status 0", "fork")
	ends("exit status 0", "daemonize")
	ends("exit status 1", "daemonize", "crash")

	answers := func(extra map[string]string, mode string, args ...string) *running {
		t.Helper()
		w := run(t, s, extra, mode, args...)
		if got := w.get(t, "/"); got != "app-1.1\n" {
			t.Errorf("%s: %q", mode, got)
		}
		return w
	}
	socket := filepath.Join(t.TempDir(), "s")
	w := answers(map[string]string{"SOCKET": socket, "PORT": socket}, "serve")
	w.base = "http://worker"
	if got := w.get(t, "/health"); got != "ok\n" {
		t.Errorf("/health: %q", got)
	}
	if err := w.Terminate(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-w.Done()
	if got := w.Exit().String(); got != "exit status 0" {
		t.Errorf("serve after SIGTERM: %s", got)
	}
	answers(nil, "slowstart", "20")
	w = answers(nil, "ignoreterm")
	if err := w.Terminate(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if got := w.get(t, "/bytes?n=3"); got != "\x00\x00\x00" {
		t.Errorf("after SIGTERM: %q", got)
	}
	if _, err := w.client.Get(w.base + "/exit?code=6"); err == nil {
		t.Error("/exit answered")
	}
	<-w.Done()
	if got := w.Exit().String(); got != "exit status 6" {
		t.Errorf("/exit: %s", got)
	}
	w = run(t, s, nil, "stopself", "1")
	for w.Evidence() != process.EvidenceStopped {
		select {
		case <-w.Done():
			t.Fatal(w.Exit())
		default:
		}
	}
	listens(t, run(t, s, nil, "elsewhere"), true)
	listens(t, run(t, s, nil, "hang"), false)
}

// listens waits for the worker's listener; elsewhere: on another port than the one it was given.
func listens(t *testing.T, w *running, elsewhere bool) {
	t.Helper()
	for {
		select {
		case <-w.Done():
			t.Fatal(w.Exit())
		case <-time.After(5 * time.Millisecond):
		}
		if at := w.Listeners(); len(at) > 0 {
			if slices.Contains(at, strings.TrimPrefix(w.base, "http://")) == elsewhere {
				t.Errorf("%v, given %s", at, w.base)
			}
			return
		}
	}
}

func TestModes_NotifySaysReady(t *testing.T) {
	s, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(t.TempDir(), "n")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run(t, s, map[string]string{"NOTIFY_SOCKET": path}, "notify", "10")
	line, err := bufio.NewReader(l).ReadString('\n')
	if err != nil || line != "READY=1\n" {
		t.Errorf("%q, %v", line, err)
	}
}
