package ipc

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// site is a hub under test.
type site struct {
	t   *testing.T
	hub *Hub
}

func newSite(t *testing.T, options Options) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "ipc") // t.TempDir is too long for a socket path on some systems
	if err != nil {
		t.Fatal(err)
	}
	hub, err := NewHub(filepath.Join(dir, "n"), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir) // the system's temporary folder
	})
	return &site{t: t, hub: hub}
}

// stand is a worker that is played by a test: its end of the channel.
type stand struct {
	t   *testing.T
	id  string
	e   *Endpoint
	end *os.File
	in  *bufio.Reader
}

// worker opens a channel. A worker that acks has said hello.
func (s *site) worker(id string, acks bool) *stand {
	s.t.Helper()
	e, err := s.hub.Open(id)
	if err != nil {
		s.t.Fatal(err)
	}
	// As for a process that drover starts: the end is another one's.
	fd, err := syscall.Dup(int(e.File().Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := e.File().Close(); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		s.t.Fatal(err)
	}
	w := &stand{t: s.t, id: id, e: e, end: os.NewFile(uintptr(fd), id)}
	w.in = bufio.NewReader(w.end)
	s.t.Cleanup(func() { _ = w.end.Close() }) // may have been killed already
	if acks {
		w.say(`{"drover":"hello","id":1,"version":1,"client":"test/1","acks":true}`)
		if got := w.hear(); !strings.HasPrefix(got, `{"drover":"reply","id":1,"data":{"version":1,"worker":"`+id+`"`) {
			s.t.Fatalf("hello was answered with %s", got)
		}
	}
	return w
}

func (w *stand) say(format string, args ...any) {
	w.t.Helper()
	line := format
	if len(args) > 0 {
		line = fmt.Sprintf(format, args...)
	}
	if _, err := w.end.WriteString(line + "\n"); err != nil {
		w.t.Fatal(err)
	}
}

// hear returns the next line.
func (w *stand) hear() string {
	w.t.Helper()
	if err := w.end.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	line, err := w.in.ReadString('\n')
	if err != nil {
		w.t.Fatalf("%s hears nothing: %v (%q)", w.id, err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

func (w *stand) expect(want string) {
	w.t.Helper()
	if got := w.hear(); got != want {
		w.t.Fatalf("%s heard\n  %s, want\n  %s", w.id, got, want)
	}
}

// expectBegin is expect for the beginning of a line whose end varies.
func (w *stand) expectBegin(want string) {
	w.t.Helper()
	if got := w.hear(); !strings.HasPrefix(got, want) {
		w.t.Fatalf("%s heard\n  %s, want it to begin with\n  %s", w.id, got, want)
	}
}

// quiet checks that nothing was sent to the worker before a frame that it asks for now.
func (w *stand) quiet() {
	w.t.Helper()
	w.say(`{"drover":"ready","id":9007199254740991}`)
	w.expect(`{"drover":"reply","id":9007199254740991,"data":{}}`)
}

// die closes the worker's end, as the kernel does for one that is killed.
func (w *stand) die() {
	w.t.Helper()
	if err := w.end.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }
