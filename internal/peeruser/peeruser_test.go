package peeruser

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestIs_LooksWhoListens(t *testing.T) {
	f := func(l net.Listener, uid int, want bool) {
		t.Helper()
		nc, err := net.Dial(l.Addr().Network(), l.Addr().String())
		nc, err = Checked(nc, err, Is(uid))
		if (err == nil) != want || (nc != nil) != want {
			t.Errorf("%s, user %d: %v, %v", l.Addr(), uid, nc, err)
		}
		if nc != nil {
			_ = nc.Close()
		}
	}
	own := os.Geteuid()
	f(listen(t, "unix", filepath.Join(t.TempDir(), "s")), own, true)
	f(listen(t, "unix", filepath.Join(t.TempDir(), "s")), own+1, false)
	f(listen(t, "tcp", "127.0.0.1:0"), own+1, true)
}

func TestChecked_ClosesWhatIsRefused(t *testing.T) {
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	refused := errors.New("refused")
	if nc, err := Checked(ours, nil, func(net.Conn) error { return refused }); nc != nil || !errors.Is(err, refused) {
		t.Errorf("%v, %v", nc, err)
	}
	if _, err := theirs.Write([]byte("x")); err == nil {
		t.Error("it is still open")
	}
	if nc, err := Checked(theirs, nil, nil); nc != theirs || err != nil {
		t.Errorf("%v, %v", nc, err)
	}
	if _, err := Checked(nil, refused, func(net.Conn) error { panic("there is nothing to check") }); !errors.Is(err, refused) {
		t.Error(err)
	}
}
