package inherit

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

func TestPair_TalksAndIsInheritedByNobody(t *testing.T) {
	ours, theirs, err := Pair("talk")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ours.Close() }()
	for _, f := range []*os.File{ours, theirs} {
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var flags int
		if err := raw.Control(func(fd uintptr) { flags, _ = unix.FcntlInt(fd, unix.F_GETFD, 0) }); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s is inherited: %v", f.Name(), err)
		}
	}
	if err := ours.SetReadDeadline(time.Now()); err != nil {
		t.Errorf("ours is not polled: %v", err)
	}
	if _, err := theirs.WriteString("x"); err != nil {
		t.Error(err)
	}
	_ = theirs.Close()
	if err := ours.SetReadDeadline(time.Time{}); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(ours); string(got) != "x" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
