package drover

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that should happen at once.
const patience = 20 * time.Second

// greeting is drover's reply to hello, as the protocol shows it.
const greeting = `{"drover":"reply","id":1,"data":{"version":1,"worker":"app-1.1","pool":"app","slot":1,"generation":1,"maxMessageBytes":1048576,"maxDepth":64,"requestTimeoutMs":5000,"cache":true,"encryption":"off"}}`

// fake plays drover: what the client writes is compared byte by byte.
type fake struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	*Client
}

// pair returns the two ends of a Unix stream socket pair.
func pair(t *testing.T) (a, b *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
}

func connOf(t *testing.T, f *os.File) net.Conn {
	t.Helper()
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newFake connects a client that has been greeted.
func newFake(t *testing.T, setup ...func(*Client)) *fake {
	t.Helper()
	return newFakeWith(t, greeting, setup...)
}

// newFakeWith sends these lines when the client has said hello.
func newFakeWith(t *testing.T, lines string, setup ...func(*Client)) *fake {
	t.Helper()
	ours, theirs := pair(t)
	f := &fake{t: t, conn: connOf(t, ours)}
	f.in = bufio.NewReader(f.conn)
	t.Cleanup(func() { _ = f.conn.Close() }) // perhaps closed before
	var greeted sync.WaitGroup
	greeted.Go(func() {
		line, err := f.in.ReadString('\n')
		if want := `{"drover":"hello","id":1,"version":1,"client":"go/1.0.0","acks":true}` + "\n"; err != nil || line != want {
			t.Errorf("the client said %q, %v", line, err)
		}
		f.send(lines)
	})
	var err error
	if f.Client, err = newClient(t.Context(), connOf(t, theirs), "", setup...); err != nil {
		t.Fatal(err)
	}
	greeted.Wait()
	t.Cleanup(func() {
		_ = f.conn.Close() // perhaps closed before
		f.Close()
	})
	return f
}

// newPiped connects a client over a pipe, which synctest understands.
func newPiped(t *testing.T, setup ...func(*Client)) *fake {
	t.Helper()
	ours, theirs := net.Pipe()
	f := &fake{t: t, conn: ours, in: bufio.NewReader(ours)}
	go func() {
		_, _ = f.in.ReadString('\n') // hello, which other tests look at
		f.send(greeting)
	}()
	var err error
	if f.Client, err = newClient(t.Context(), theirs, "", setup...); err != nil {
		t.Fatal(err)
	}
	return f
}

// send writes lines to the client.
func (f *fake) send(lines string) {
	f.t.Helper()
	if _, err := io.WriteString(f.conn, lines+"\n"); err != nil {
		f.t.Errorf("write to the client: %v", err)
	}
}

// next returns the next line of the client.
func (f *fake) next() string {
	f.t.Helper()
	line, err := f.in.ReadString('\n')
	if err != nil {
		f.t.Fatalf("read from the client: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

// expect fails unless the next line of the client is this one.
func (f *fake) expect(want string) {
	f.t.Helper()
	if got := f.next(); got != want {
		f.t.Fatalf("the client wrote\n%s\nwant\n%s", got, want)
	}
}

// id sets the id that the client's next call has, so that lines of the protocol's page fit.
func (f *fake) id(id uint64) {
	f.calls.mu.Lock()
	defer f.calls.mu.Unlock()
	f.calls.last = id - 1
}

// exchange runs a call while drover expects one line and answers with another.
func exchange[T any](f *fake, want, answer string, call func(ctx context.Context) (T, error)) (T, error) {
	f.t.Helper()
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		v, err := call(f.t.Context())
		done <- outcome{v, err}
	}()
	f.expect(want)
	f.send(answer)
	o := receive(f.t, done)
	return o.v, o.err
}

// receive returns what comes over a channel.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// inProtocol fails unless the line stands in the page of the protocol.
func inProtocol(t *testing.T, line string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/ipc-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), line) {
		t.Errorf("docs/ipc-protocol.md has no line\n%s", line)
	}
	return line
}
