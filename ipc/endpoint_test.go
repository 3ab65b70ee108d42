package ipc

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/workertest"
)

const patience = 20 * time.Second

func openForTest(t *testing.T) (*Hub, *Endpoint) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ipc") // t.TempDir is too long for a socket path on some systems
	if err != nil {
		t.Fatal(err)
	}
	hub, err := NewHub(filepath.Join(dir, "n"), Options{Bus: event.NewBus(10)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := hub.Open("app-1.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir) // the system's temporary folder
	})
	return hub, e
}

func waitReady(t *testing.T, e *Endpoint) {
	t.Helper()
	select {
	case <-e.Ready():
	case <-time.After(patience):
		t.Fatal("never ready")
	}
}

func notReady(t *testing.T, e *Endpoint) {
	t.Helper()
	select {
	case <-e.Ready():
		t.Fatal("ready before the worker said so")
	default:
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func write(t *testing.T, f *os.File, s string) {
	t.Helper()
	if _, err := f.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

func TestEndpoint_ReadyComesOverTheChannel(t *testing.T) {
	_, e := openForTest(t)
	write(t, e.File(), "{\"hello\":\"worker\"}\n{\"cmd\":\"NODE_X\"}\nnot json\n")
	waitFor(t, "three lines", func() bool { return e.Counts() == Counts{Frames: 2, Invalid: 1} })
	notReady(t, e)
	write(t, e.File(), "\"ready\"\n\"ready\"\n") // said twice, heard once
	waitReady(t, e)
}

func TestEndpoint_ReadyComesOverTheNotifySocket(t *testing.T) {
	_, e := openForTest(t)
	c, err := net.Dial("unixgram", e.NotifySocket())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, datagram := range []string{"STATUS=loading", strings.Repeat("X", 3*maxNotify), "STATUS=done\nREADY=1"} {
		if _, err := c.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
	waitReady(t, e)
}

func TestEndpoint_SkipsAFloodAndStaysSmall(t *testing.T) {
	hub, e := openForTest(t)
	flood := strings.Repeat("x", hub.options.lineLimit())
	for range 8 {
		write(t, e.File(), flood)
	}
	write(t, e.File(), "\n\"ready\"\n")
	waitReady(t, e)
	if got := e.Counts(); got.Skipped != 1 || got.Frames != 1 {
		t.Errorf("counts are %+v", got)
	}
	if got := hub.bus.Recent(); len(got) != 1 || got[0].Subject != "app-1.1" {
		t.Errorf("events are %+v", got)
	}
}

func TestEndpoint_ShutdownIsOneLine(t *testing.T) {
	_, e := openForTest(t)
	e.Shutdown(30 * time.Second)
	line, err := bufio.NewReader(e.File()).ReadString('\n')
	if err != nil || line != `{"drover":"shutdown","type":"shutdown","graceSeconds":30}`+"\n" {
		t.Errorf("the worker read %q, %v", line, err)
	}
}

func TestEndpoint_ShutdownNeverBlocks(t *testing.T) {
	_, e := openForTest(t)
	for range 100_000 { // far beyond what the socket holds; nobody reads
		e.Shutdown(time.Second)
	}
	if err := e.File().Close(); err != nil {
		t.Fatal(err)
	}
	e.Shutdown(time.Second) // the worker is gone
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e.Shutdown(time.Second) // we are gone
}

func TestEndpoint_CloseLeavesNothing(t *testing.T) {
	hub, e := openForTest(t)
	path := e.NotifySocket()
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the notify socket is still there: %v", err)
	}
	if len(hub.open) != 0 {
		t.Error("the hub still knows the endpoint")
	}
	notReady(t, e) // closing is not being ready
}

func TestHub_CloseEndsEveryEndpoint(t *testing.T) {
	hub, e := openForTest(t)
	if err := hub.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.File().Write([]byte("x")); err == nil {
		t.Error("the endpoint is still open")
	}
	if _, err := hub.Open("app-1.2"); !errors.Is(err, ErrClosed) {
		t.Errorf("Open after Close: %v", err)
	}
}

func TestHub_RefusesAFolderTooDeepForSockets(t *testing.T) {
	_, err := NewHub(filepath.Join(t.TempDir(), strings.Repeat("d", 100)), Options{})
	if err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("error is %v", err)
	}
}

func TestEndpoint_NodeSpeaksOverIt(t *testing.T) {
	workertest.Need(t, "node")
	_, e := openForTest(t)
	cmd := exec.Command("node", "-e", `
		process.on('message', m => { if (m.type === 'shutdown' && m.graceSeconds === 7) process.exit(42) })
		process.send({hello: 'worker'})
		process.send('ready')`)
	cmd.Env = append(os.Environ(), "NODE_CHANNEL_FD=3", "NODE_CHANNEL_SERIALIZATION_MODE=json")
	cmd.ExtraFiles = []*os.File{e.File()}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := e.File().Close(); err != nil {
		t.Fatal(err)
	}
	waitReady(t, e)
	e.Shutdown(7 * time.Second)
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 42 {
		t.Errorf("node ended with %v", err)
	}
}
