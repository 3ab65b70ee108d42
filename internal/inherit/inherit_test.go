package inherit

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func TestFile_LeavesTheListenerAbleToEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := File(l)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	_ = f.Fd() // what passing it on does
	if err := l.(*net.TCPListener).SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("accept: %v", err)
	}
	next, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	_ = l.Close()
	c, err := net.Dial("tcp", next.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if accepted, err := next.Accept(); err != nil {
		t.Errorf("the one who took over: %v", err)
	} else {
		_ = accepted.Close()
	}
}
