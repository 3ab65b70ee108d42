package process_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/process"
)

func TestOwnsListener_TellsNobodyOursAndTheirs(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(spec process.Spec, network, address string) {
		t.Helper()
		p := start(t, s, spec)
		defer p.Kill()
		other := start(t, s, shell("sleep 1000"))
		defer other.Kill()
		eventually(t, "it listens", func() bool {
			listening, owned, err := p.OwnsListener(network, address)
			if err != nil {
				t.Fatal(err)
			}
			return listening && owned
		})
		if listening, owned, err := other.OwnsListener(network, address); !listening || owned || err != nil {
			t.Errorf("the other one: listening %v, owned %v, %v", listening, owned, err)
		}
		want := address
		if network == "unix" {
			want = "unix:" + address
		}
		if got := p.Listeners(); len(got) != 1 || got[0] != want {
			t.Errorf("Listeners: %q, want %q", got, want)
		}
		p.Kill()
		if listening, owned, err := p.OwnsListener(network, address); listening || owned || err != nil {
			t.Errorf("afterwards: listening %v, owned %v, %v", listening, owned, err)
		}
	}
	with := func(spec process.Spec, env ...string) process.Spec {
		spec.Env = append(spec.Env, env...)
		return spec
	}
	port := freePort(t)
	f(with(worker("serve"), "PORT="+port), "tcp", "127.0.0.1:"+port)
	f(with(worker("hang"), "PORT="+port, "HOST=::1"), "tcp", "[::1]:"+port)
	socket := filepath.Join(t.TempDir(), "w.sock")
	f(with(worker("serve"), "SOCKET="+socket, "PORT="+socket), "unix", socket)
	// The one that listens is a child of a child.
	child := worker("serve")
	child.Argv = append([]string{"/bin/sh", "-c", `"$0" & wait`}, child.Argv...)
	port = freePort(t)
	f(with(child, "PORT="+port), "tcp", "127.0.0.1:"+port)
}

func TestOwnsListener_KnowsWhichSocketsAcceptAnAddress(t *testing.T) {
	s := newSpawner(t, process.Options{})
	p := start(t, s, shell("sleep 1000"))
	f := func(network, listen, target string, want bool) {
		t.Helper()
		l, err := net.Listen(network, listen)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		listening, owned, err := p.OwnsListener("tcp", net.JoinHostPort(target, port))
		if listening != want || owned || err != nil {
			t.Errorf("%s %s for %s: listening %v, owned %v, %v", network, listen, target, listening, owned, err)
		}
	}
	f("tcp4", "127.0.0.1:0", "127.0.0.1", true)
	f("tcp4", "0.0.0.0:0", "127.0.0.1", true)
	f("tcp", "[::]:0", "127.0.0.1", true) // both families
	f("tcp6", "[::]:0", "127.0.0.1", false)
	f("tcp6", "[::1]:0", "127.0.0.1", false)
	f("tcp4", "127.0.0.2:0", "127.0.0.1", false)
	f("tcp6", "[::1]:0", "::1", true)
	f("tcp6", "[::]:0", "::1", true)
	f("tcp4", "0.0.0.0:0", "::1", false)
	f("tcp4", "127.0.0.1:0", "0.0.0.0", true) // a wildcard is reached by loopback
}

func TestOwnsListener_IsFalseWhereOthersShareThePort(t *testing.T) {
	s := newSpawner(t, process.Options{})
	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if outer := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}); outer != nil {
			return outer
		}
		return err
	}}
	listen := func(address string) *net.TCPListener {
		l, err := share.Listen(context.Background(), "tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l.(*net.TCPListener)
	}
	theirs := listen("127.0.0.1:0")
	address := theirs.Addr().String()
	ours := listen(address)
	file, err := ours.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	spec := shell("sleep 1000")
	spec.Files = []*os.File{file}
	p := start(t, s, spec)
	if listening, owned, err := p.OwnsListener("tcp", address); !listening || owned || err != nil {
		t.Errorf("with another: listening %v, owned %v, %v", listening, owned, err)
	}
	_ = theirs.Close()
	if listening, owned, err := p.OwnsListener("tcp", address); !listening || !owned || err != nil {
		t.Errorf("alone: listening %v, owned %v, %v", listening, owned, err)
	}
}

func TestOwnsListener_SeesThroughAReplacedSocketFile(t *testing.T) {
	s := newSpawner(t, process.Options{})
	socket := filepath.Join(t.TempDir(), "w.sock")
	old, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	spec := worker("serve") // removes the file and makes its own
	spec.Env = append(spec.Env, "SOCKET="+socket)
	p := start(t, s, spec)
	eventually(t, "it owns the path", func() bool {
		_, owned, err := p.OwnsListener("unix", socket)
		return owned && err == nil
	})
}

func TestOwnsListener_RefusesWhatIsNoAddress(t *testing.T) {
	s := newSpawner(t, process.Options{})
	p := start(t, s, shell("sleep 1000"))
	f := func(network, address, want string) {
		t.Helper()
		_, _, err := p.OwnsListener(network, address)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %s: %v", network, address, err)
		}
	}
	f("tcp", "localhost:80", "not an IP address")
	f("tcp", "127.0.0.1", "not an IP address")
	f("udp", "127.0.0.1:80", "network")
}

// BenchmarkOwnsListener_NobodyYet is what is asked every few milliseconds while a worker starts.
func BenchmarkOwnsListener_NobodyYet(b *testing.B) {
	s := newSpawner(b, process.Options{})
	p := start(b, s, shell("sleep 1000"))
	for b.Loop() {
		if listening, _, err := p.OwnsListener("tcp", "127.0.0.1:1"); listening || err != nil {
			b.Fatal(listening, err)
		}
	}
}

func BenchmarkProcess_Tree(b *testing.B) {
	s := newSpawner(b, process.Options{})
	p := start(b, s, shell("sleep 1000"))
	for b.Loop() {
		if len(p.Tree()) == 0 {
			b.Fatal("empty")
		}
	}
}
