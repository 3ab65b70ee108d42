package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/strategy"
)

func applying(t *testing.T, address string) error {
	t.Helper()
	cfg := config.Default()
	cfg.Server.Listeners = []config.Listener{{Name: "web", Address: address}}
	s := New(Options{Pools: func(string) *pool.Pool { return nil }})
	err := s.Apply(cfg)
	if err == nil {
		ctx, stop := context.WithCancel(context.Background())
		stop()
		_ = s.Run(ctx)
	}
	return err
}

func TestListener_SaysWhatIsWrongWithAnAddress(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	f := func(address string, want ...string) {
		t.Helper()
		err := applying(t, address)
		if err == nil {
			t.Fatalf("%s is taken", address)
		}
		for _, w := range append(want, "listener web") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v does not say %q", address, err, w)
			}
		}
	}
	f(ln.Addr().String(), ln.Addr().String(), "in use", "choose another")
	f("192.0.2.1:80", "not an address of this machine")

	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f("unix:"+file, "not a socket")
	live, err := net.Listen("unix", filepath.Join(dir, "live"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = live.Close() }()
	f("unix:"+filepath.Join(dir, "live"), "in use")

	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "stale"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	if err := applying(t, "unix:"+filepath.Join(dir, "stale")); err != nil {
		t.Errorf("a stale socket: %v", err)
	}
}

func TestListener_IsHandedOver(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	files, err := r.server.Files()
	if err != nil {
		t.Fatal(err)
	}
	next := New(Options{Inherited: files, Pools: func(name string) *pool.Pool { return r.pools[name] }})
	if err := next.Apply(r.cfg); err != nil {
		t.Fatal(err)
	}
	want := r.server.Address("web").String()
	if got := next.Address("web").String(); got != want {
		t.Errorf("it listens on %s, not %s", got, want)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = next.Run(ctx) }()
	r.stop()
	<-r.done
	nc, err := net.Dial("tcp", want)
	if err != nil {
		t.Fatal(err)
	}
	c := newPeer(t, nc)
	c.send(get)
	c.reply("GET")
	stop()
	<-done
	for _, f := range files {
		_ = f.Close()
	}
}

func TestListener_StopsThoughItsSocketWasMadeBlocking(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	files, err := r.server.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		_ = f.Fd() // makes it blocking, for whoever shares the socket
		defer func() { _ = f.Close() }()
	}
	c := r.dial() // the accept loop comes round, and waits in the kernel
	c.send(get)
	c.reply("GET")
	r.stop()
	<-r.done
}

func TestListener_LimitsConnections(t *testing.T) {
	up := answering(t, plain("x"))
	f := func(edit func(*config.Limits), reason string) {
		t.Helper()
		r := newRig(t, func(c *config.Config) { edit(&c.Server.Limits) }, up.addr)
		first, second := r.dial(), r.dial()
		for _, c := range []*peer{first, second} {
			c.send(get)
			if got := c.reply("GET"); got.StatusCode != 200 {
				t.Errorf("%s: %+v", reason, got)
			}
		}
		third := r.dial()
		if got := third.reply("GET"); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %+v", reason, got)
		}
		third.end()
		for range 20 { // what they have sent unread does not cost them the answer
			c := r.dial()
			c.send(get)
			if got := c.reply("GET"); got.StatusCode != 503 {
				t.Errorf("%s: %+v", reason, got)
			}
			if rest, err := io.ReadAll(c.br); err != nil || len(rest) > 0 {
				t.Errorf("%s: the connection ended with %q, %v", reason, rest, err)
			}
			c.close()
		}
		first.close()
		r.eventually("a place to become free", func() bool {
			c := r.dial()
			c.send(get)
			return c.reply("GET").StatusCode == 200
		}, nil)
	}
	f(func(l *config.Limits) { l.Connections = 2 }, tooManyConnections)
	f(func(l *config.Limits) { l.ConnectionsPerIP = 2 }, tooManyFromAddress)
}

func TestListener_WrapsConnections(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRigWith(t, Options{Wrap: func(listener string, nc net.Conn) (net.Conn, error) {
		b := make([]byte, 1)
		if _, err := nc.Read(b); err != nil || b[0] != '!' || listener != "web" {
			return nil, errors.New("no")
		}
		return &wrapped{nc}, nil
	}}, nil, up.addr)
	c := r.dial()
	c.send("!")
	for range 2 {
		c.send(get)
		if got := c.reply("GET"); got.StatusCode != 200 {
			t.Errorf("%+v", got)
		}
	}
	if !strings.Contains(up.last(), "X-Forwarded-For: 203.0.113.9\r\n") {
		t.Errorf("upstream got %s", up.last())
	}
	c = r.dial()
	c.send("?")
	c.end()
}

type wrapped struct{ net.Conn }

func (w *wrapped) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 1} }

// panicking is a strategy that fails as no strategy should.
type panicking struct{}

func (panicking) Pick(*pool.Snapshot, *strategy.Request) *pool.Upstream { panic("on purpose") }

func TestServer_SurvivesAPanic(t *testing.T) {
	up := answering(t, plain("x"))
	bus := event.NewBus(1)
	r := newRigWith(t, Options{Bus: bus}, nil, up.addr)
	var l *listener
	for _, l = range r.server.listeners {
	}
	t1 := l.table.Load()
	t2, broken := *t1, *t1.own
	broken.strategy = panicking{}
	t2.own = &broken
	l.table.Store(&t2)
	c := r.dial()
	c.send(get)
	if got := c.reply("GET"); got.StatusCode != 500 {
		t.Errorf("%+v", got)
	}
	c.end()
	r.loggedEnd("internal", 500)
	if e := bus.Recent(); len(e) != 1 || e[0].Kind != event.Internal {
		t.Errorf("events: %v", e)
	}
	l.table.Store(t1)
	if got := r.ask(get); got.StatusCode != 200 {
		t.Errorf("%+v", got)
	}
}
