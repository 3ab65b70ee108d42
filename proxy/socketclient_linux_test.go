package proxy

import (
	"bytes"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketThrough has a client at a socket send pieces. Plain requests are then
// served inside RawConn.Read (visit.attend), which no client in memory can show.
func (r *corpusRig) socketThrough(t testing.TB, pieces []string) relayed {
	t.Helper()
	return r.recorded(t, func() []byte {
		client, server := socketPair(t)
		answered := make(chan []byte, 1)
		go func() { answered <- converse(client, pieces) }()
		r.server.front.serve(newConn(server, r.listener))
		_ = server.Close()
		return <-answered
	})
}

func socketPair(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	conn := func(fd int) *net.UnixConn {
		f := os.NewFile(uintptr(fd), "")
		defer func() { _ = f.Close() }()
		nc, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		return nc.(*net.UnixConn)
	}
	return conn(fds[0]), conn(fds[1])
}

// converse sends each piece when the one before was taken, then closes its half,
// and returns what came back until the end. It does not close its half sooner: that
// drover would see with the last request, or in the end by its sweep only.
func converse(nc *net.UnixConn, pieces []string) []byte {
	defer func() { _ = nc.Close() }()
	var got bytes.Buffer
	for _, p := range pieces {
		_, _ = io.WriteString(nc, p) // refused before all was sent: the answer says so
		if !readUntilTaken(nc, &got) {
			return got.Bytes()
		}
	}
	_ = nc.CloseWrite()
	_ = nc.SetReadDeadline(time.Now().Add(2 * patience))
	_, _ = io.Copy(&got, nc) // that drover ends it is seen by who runs it
	return got.Bytes()
}

// readUntilTaken reads until all that was sent is out of the socket, and reports whether the
// connection goes on.
func readUntilTaken(nc *net.UnixConn, got *bytes.Buffer) bool {
	raw, err := nc.SyscallConn()
	if err != nil {
		return false
	}
	var buf [4 << 10]byte
	for {
		left := 0
		_ = raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }) // fails when it is closed
		if left == 0 {
			return true
		}
		_ = nc.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, err := nc.Read(buf[:])
		got.Write(buf[:n])
		if err != nil && !isTimeout(err) {
			return false
		}
	}
}
