package exchange

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// fullListener is a Unix socket that takes no more connections: the kernel
// answers EAGAIN. Accepting one makes room.
func fullListener(t *testing.T) (*net.UnixListener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "full")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.Dial("unix", path)
		if err != nil {
			return l.(*net.UnixListener), path
		}
		t.Cleanup(func() { _ = c.Close() })
	}
}

func TestClient_SaysWhyItCouldNotConnect(t *testing.T) {
	f := func(network, address string, kind Kind) {
		t.Helper()
		req := plain()
		req.Connect = 100 * time.Millisecond
		if unsent := fails(t, NewClient(network, address, Options{}), req, kind); !unsent {
			t.Error("not said to be unsent")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	f("tcp", closed, Refused)

	dir := t.TempDir()
	f("unix", filepath.Join(dir, "missing"), Refused)
	left := filepath.Join(dir, "left")
	ul, err := net.Listen("unix", left)
	if err != nil {
		t.Fatal(err)
	}
	ul.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = ul.Close()
	f("unix", left, Refused)
	f("unix", filepath.Join(left, "sub"), ConnectFailed)
	f("tcp", "127.0.0.1:notaport", ConnectFailed)

	fl, full := fullListener(t)
	f("unix", full, ConnectFailed)
	_ = fl.Close()
}

func TestClient_SendsNothingToWhomItDoesNotTrust(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := NewClient("tcp", l.Addr().String(), Options{Check: func(net.Conn) error { return errors.New("a stranger") }})
	if unsent := fails(t, c, plain(), ConnectFailed); !unsent {
		t.Error("not said to be unsent")
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got, err := io.ReadAll(nc); err != nil || len(got) > 0 {
		t.Errorf("it got %q, %v", got, err)
	}
}

func TestClient_WaitsForAFullUnixSocket(t *testing.T) {
	l, full := fullListener(t)
	defer l.Close()
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			go func() {
				b := make([]byte, len(plainHead))
				if n, _ := c.Read(b); n > 0 {
					_, _ = c.Write([]byte(okEmpty))
				}
			}()
		}
	}()
	c := NewClient("unix", full, Options{})
	wants(t, must(t, c, plain()), 200, "")
	_ = c.Close()
	_ = l.Close()
	<-done
}
