package proxy

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

func TestDrain_FinishesWhatIsUnderWay(t *testing.T) {
	answer := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, _, ok := u.request(p)
			if !ok {
				return
			}
			if strings.Contains(head, "/slow") {
				<-answer
			}
			p.send(plain("done"))
		}
	})
	r := newRig(t, nil, up.addr)
	idle, busy := r.dial(), r.dial()
	idle.send(get)
	idle.reply("GET")
	busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	r.eventually("the request upstream", func() bool { return up.requests() == 2 }, nil)
	fresh := r.dial()
	addr := r.server.Address("web").String()

	r.stop()
	idle.end()
	r.eventually("the listener to close", func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	}, nil)
	if !r.server.Draining() {
		t.Error("not draining")
	}
	_ = fresh
	close(answer)
	head := busy.head()
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "Connection: close\r\n") {
		t.Errorf("head\n%s", head)
	}
	busy.expect("done")
	busy.end()
	<-r.done
	if n := r.server.Cut(); n != 0 {
		t.Errorf("%d cut", n)
	}
}

func TestDrain_CutsWhatTakesTooLong(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		head := p.head()
		switch {
		case strings.Contains(head, "Upgrade"):
			p.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		case strings.Contains(head, "/events"):
			p.send("HTTP/1.1 200 OK\r\n\r\ndata\n\n")
		}
		_, _ = io.Copy(io.Discard, p.br)
	})
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.Drain = config.Duration(100 * time.Millisecond) }, up.addr)
	ws, events, silent := r.dial(), r.dial(), r.dial()
	ws.send(upgrade)
	ws.head()
	events.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
	events.head()
	silent.send(get)
	r.eventually("three requests upstream", func() bool { return inFlight(r) == 3 }, nil)
	r.stop()
	<-r.done
	if n := r.server.Cut(); n != 3 {
		t.Errorf("%d cut, want 3", n)
	}
	for _, end := range []int{101, 200, 503} {
		r.loggedEnd("draining", end)
	}
	r.idle()
}

func inFlight(r *rig) (n int64) {
	for _, u := range r.pools["app"].All() {
		n += u.InFlight()
	}
	return n
}

func TestDrain_StopFastEndsIt(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) { _, _ = io.Copy(io.Discard, p.br) })
	r := newRig(t, nil, up.addr)
	r.dial().send(get)
	r.eventually("the request upstream", func() bool { return inFlight(r) == 1 }, nil)
	r.stop()
	r.server.StopFast()
	<-r.done
	if n := r.server.Cut(); n != 1 {
		t.Errorf("%d cut, want 1", n)
	}
}

func TestReload_KeepsWhatIsUnchanged(t *testing.T) {
	hold := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, _, ok := u.request(p)
			if !ok {
				return
			}
			if strings.Contains(head, "/slow") {
				<-hold
			}
			p.send(plain("x"))
		}
	})
	socket := filepath.Join(t.TempDir(), "s")
	r := newRig(t, func(c *config.Config) {
		c.Server.Listeners = append(c.Server.Listeners, config.Listener{Name: "second", Address: "unix:" + socket, Protocol: "http", Pool: "app"})
	}, up.addr)
	kept := r.dial()
	kept.send(get)
	kept.reply("GET")
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	removed := newPeer(t, nc)
	removed.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	r.eventually("the request upstream", func() bool { return up.requests() == 2 }, nil)

	next := *r.cfg
	next.Server.Listeners = next.Server.Listeners[:1:1]
	next.Routes = []config.Route{{Match: config.Match{Path: "/new"}, Pool: "app", Headers: config.HeaderEdits{
		Response: config.HeaderEdit{Set: map[string]string{"X-New": "1"}}}}}
	if err := r.server.Apply(&next); err != nil {
		t.Fatal(err)
	}
	kept.send("GET /new HTTP/1.1\r\nHost: h\r\n\r\n")
	if got := kept.reply("GET"); got.Header.Get("X-New") != "1" {
		t.Errorf("the new route is not used: %+v", got)
	}
	close(hold)
	if head := removed.head(); !strings.Contains(head, "Connection: close\r\n") {
		t.Errorf("head\n%s", head)
	}
	removed.expect("x")
	removed.end()
	r.eventually("the socket to go", func() bool { _, err := net.Dial("unix", socket); return err != nil }, nil)

	bad := next
	bad.Routes = []config.Route{{Pool: "nowhere"}}
	if err := r.server.Apply(&bad); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a pool that does not exist: %v", err)
	}
	kept.send("GET /new HTTP/1.1\r\nHost: h\r\n\r\n")
	if got := kept.reply("GET"); got.Header.Get("X-New") != "1" {
		t.Error("a reload that failed has changed something")
	}
}

func TestDrain_HandedOverClosesNoConnectionBeforeItsClientWasTold(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.Drain = config.Duration(time.Hour) }, up.addr)
	idle, silent, fresh := r.dial(), r.dial(), r.dial()
	for _, c := range []*peer{idle, silent} {
		c.send(get)
		c.reply("GET")
	}
	r.server.HandOver()
	r.stop()
	r.eventually("the drain", r.server.Draining, nil)
	time.Sleep(2 * freshGrace) // both are closed by then where nobody takes over
	for _, c := range []*peer{idle, fresh} {
		c.send(get)
		if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "Connection: close\r\n") {
			t.Errorf("head\n%s", head)
		}
		c.expect("x")
		c.end()
	}
	r.server.StopFast()
	silent.end() // with the time that there is
	<-r.done
	if n := r.server.Cut(); n != 0 {
		t.Errorf("%d cut", n)
	}
}

// lingering is a connection that takes a while to be forgotten after it was closed.
type lingering struct{ net.Conn }

func (l lingering) Close() error {
	err := l.Conn.Close()
	time.Sleep(100 * time.Millisecond)
	return err
}

func TestDrain_DoesNotCutWhatHasEnded(t *testing.T) {
	wrap := func(_ string, nc net.Conn) (net.Conn, error) { return lingering{nc}, nil }
	r := newRigWith(t, Options{Wrap: wrap}, func(c *config.Config) { c.Server.Timeouts.Drain = config.Duration(time.Hour) }, answering(t, plain("x")).addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	c.head()
	c.expect("x")
	c.end()
	r.stop()
	r.server.StopFast()
	<-r.done
	if n := r.server.Cut(); n != 0 {
		t.Errorf("%d cut", n)
	}
}
