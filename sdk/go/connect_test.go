package drover

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// childEnv has the test binary play a worker: it connects as its environment says.
const childEnv = "DROVER_SDK_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

// child says who it is, and what its own children would be given.
func child() {
	c := Default()
	if again := Default(); again != c {
		fmt.Println("a second client")
	}
	out, err := exec.Command("/bin/sh", "-c", `[ -e /dev/fd/3 ] && echo inherited; env | grep -e DROVER_IPC -e NODE_CHANNEL; true`).CombinedOutput()
	fmt.Println(c.Worker().ID, strings.Fields(string(out)), err)
	c.Close()
}

// runChild starts the child and returns what it says.
func runChild(t *testing.T, files []*os.File, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"=1"), env...)
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// greet answers hello on a connection, as drover does.
func greet(t *testing.T, conn net.Conn, hello string) {
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || line != hello+"\n" {
		t.Errorf("the client said %q, %v", line, err)
	}
	if _, err := fmt.Fprintln(conn, strings.ReplaceAll(greeting, "app-1.1", "web-2.9")); err != nil {
		t.Error(err)
	}
}

func TestConnect_ByTheInheritedDescriptor(t *testing.T) {
	ours, theirs := pair(t)
	conn := connOf(t, ours)
	defer conn.Close()
	go greet(t, conn, `{"drover":"hello","id":1,"version":1,"client":"go/1.0.0","acks":true}`)
	// Its own children inherit nothing and read no word of it.
	if got := runChild(t, []*os.File{theirs}, "DROVER_IPC_FD=3", "NODE_CHANNEL_FD=3"); got != "web-2.9 [] <nil>" {
		t.Errorf("the child said %q", got)
	}
}

func TestConnect_BySocketAndKey(t *testing.T) {
	dir, err := os.MkdirTemp("", "sdk") // t.TempDir is too long for a socket path on some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ipc")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		greet(t, conn, `{"drover":"hello","id":1,"version":1,"client":"go/1.0.0","acks":true,"key":"secret"}`)
		_, _ = conn.Read(make([]byte, 1)) // until the child closes it
	}()
	// The descriptor was closed on the way, or is something else now.
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := runChild(t, []*os.File{file}, "DROVER_IPC_FD=3", "DROVER_IPC_SOCKET="+path, "DROVER_IPC_KEY=secret")
	if !strings.HasPrefix(got, "web-2.9 ") {
		t.Errorf("the child said %q", got)
	}
}

func TestConnect_OutsideDroverIsAClusterOfOne(t *testing.T) {
	for _, fd := range []string{"", "x", "-1", "77"} {
		if got := runChild(t, nil, "DROVER_IPC_FD="+fd); !strings.HasPrefix(got, "app-1.1 ") {
			t.Errorf("with the descriptor %q the child said %q", fd, got)
		}
	}
	if got := runChild(t, nil, "DROVER_WORKER_ID=my-jobs-3.7"); !strings.HasPrefix(got, "my-jobs-3.7 ") {
		t.Errorf("the child said %q", got)
	}
}

func TestInherited_TakesUnixStreamsOnly(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	file, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isStream(int(file.Fd())) {
		t.Error("a socket of TCP is taken for the channel")
	}
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if !isStream(int(a.Fd())) {
		t.Error("a Unix stream is not taken for the channel")
	}
	dir := t.TempDir()
	r, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if isStream(int(r.Fd())) {
		t.Error("a folder is taken for the channel")
	}
}

func TestListen_WhereDroverSays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	t.Setenv("SOCKET", path)
	t.Setenv("HOST", "127.0.0.1")
	t.Setenv("PORT", "0")
	l, err := Listen()
	if err != nil || l.Addr().String() != path {
		t.Fatalf("it listens on %v, %v", l, err)
	}
	_ = l.Close()
	t.Setenv("SOCKET", "")
	l, err = Listen()
	if err != nil || !strings.HasPrefix(l.Addr().String(), "127.0.0.1:") {
		t.Fatalf("it listens on %v, %v", l, err)
	}
	_ = l.Close()
}

func TestOnShutdown_TakesTheFirstSignal(t *testing.T) {
	c := Local()
	defer c.Close()
	called := make(chan bool, 1)
	c.OnShutdown(func(ctx context.Context) {
		_, bounded := ctx.Deadline()
		called <- bounded
	})
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if receive(t, called) {
		t.Error("nobody said when it will be killed, and there is a deadline")
	}
	c.Wait() // it has ended: this returns
	receive(t, c.Done())
}
