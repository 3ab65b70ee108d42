package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

func tcpOnly(c *config.Config) { c.Server.Listeners[0].Protocol = "tcp" }

// reversing answers what it was sent, reversed, when the client is done.
func reversing(t *testing.T) *upstream {
	return listen(t, func(u *upstream, p *peer) {
		all, err := io.ReadAll(p.br)
		if err != nil {
			return
		}
		p.send("<" + string(all) + ">")
	})
}

// results waits until n connections have ended with that result.
func (r *rig) results(result string, n float64) {
	r.t.Helper()
	r.counts(n, "drover_connections_total", "listener", "web", "pool", "app", "result", result)
}

func TestRelay_BothWaysWithHalfClose(t *testing.T) {
	up := reversing(t)
	r := newRig(t, tcpOnly, up.addr)
	c := r.dial()
	c.send("hello ")
	r.eventually("a connection upstream", func() bool { return r.pools["app"].All()[0].InFlight() == 1 }, nil)
	c.send("there")
	c.closeWrite()
	c.expect("<hello there>")
	c.end()
	r.idle()
	r.results("ok", 1)
	if u := r.pools["app"].All()[0]; u.Requests() != 1 || u.ErrorRate() != 0 {
		t.Errorf("%d requests, error rate %v", u.Requests(), u.ErrorRate())
	}
}

// relaysFour makes four connections, each of which a reversing upstream answers.
func (r *rig) relaysFour() {
	r.t.Helper()
	for range 4 {
		c := r.dial()
		c.send("x")
		c.closeWrite()
		c.expect("<x>")
	}
	r.results("ok", 4)
}

func TestRelay_AnotherUpstreamWhenADialFails(t *testing.T) {
	up := reversing(t)
	r := newRig(t, tcpOnly, closedAddress(t), up.addr)
	r.relaysFour()
}

func TestRelay_SendsNothingToWhomItDoesNotTrust(t *testing.T) {
	up, stranger := reversing(t), reversing(t)
	r := newRig(t, tcpOnly, up.addr)
	_, err := r.pools["app"].Add(pool.Spec{ID: "stranger", Network: "tcp", Address: stranger.addr, Weight: 1, State: pool.Healthy,
		Verify: func(net.Conn) error { return errors.New("a stranger") }})
	if err != nil {
		t.Fatal(err)
	}
	r.relaysFour()
	if u := r.pools["app"].Get("stranger"); u.ErrorRate() == 0 {
		t.Error("it was never asked")
	}
}

func TestRelay_NobodyAccepts(t *testing.T) {
	r := newRig(t, func(c *config.Config) { tcpOnly(c); c.Pools["app"].Retry.Backoff.Initial = 1 }, closedAddress(t))
	r.refused()
	r.idle()
	r.results("connect-failed", 1)
}

func TestRelay_ClientLeavesTheQueue(t *testing.T) {
	r := newRig(t, tcpOnly)
	r.pools["app"].SetExpecting(true)
	c := r.dial()
	r.eventually("the connection to queue", func() bool { return r.pools["app"].QueueLength() == 1 }, nil)
	c.close()
	r.eventually("its place to become free", func() bool { return r.pools["app"].QueueLength() == 0 }, nil)
	r.results("client-closed", 1)
}

func TestRelay_AResetIsPassedOn(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		p.expect("x")
		_ = p.nc.(*net.TCPConn).SetLinger(0)
	})
	r := newRig(t, tcpOnly, up.addr)
	c := r.dial()
	c.send("x")
	if _, err := io.ReadAll(c.br); err == nil {
		t.Error("the reset looks like an end")
	}
	r.idle()
}

// A write that is given up has bytes in a pipe of the kernel, which are lost:
// nothing may follow them, and the end must not look like one in order.
func TestRelay_AClientThatReadsNothingGetsNoGaps(t *testing.T) {
	const idle = 300 * time.Millisecond
	body := noise(64 << 20)
	for name, talk := range map[string]int{"silent": 0, "talking": 15} {
		t.Run(name, func(t *testing.T) {
			up := listen(t, func(u *upstream, p *peer) {
				go func() { _, _ = io.Copy(io.Discard, p.br) }()
				for part := range slices.Chunk(body, 64<<10) { // in one piece the race detector would look at all of it first
					if _, err := p.nc.Write(part); err != nil {
						return
					}
				}
			})
			r := newRig(t, func(c *config.Config) { tcpOnly(c); c.Server.Timeouts.TunnelIdle = config.Duration(idle) }, up.addr)
			c := r.dial()
			if _, err := c.br.Peek(1); err != nil {
				t.Fatal(err)
			}
			var failed error
			for i := 0; i < talk && failed == nil; i++ { // the connection is not idle, but the direction down is stuck
				_, failed = io.WriteString(c.nc, "x")
				time.Sleep(idle / 5)
			}
			r.results("broken", 1)
			got, err := io.ReadAll(c.br)
			if err == nil {
				err = failed // a reset is told once
			}
			if !bytes.HasPrefix(body, got) {
				t.Errorf("%d bytes with a gap", len(got))
			}
			if len(got) == len(body) || err == nil {
				t.Errorf("%d of %d bytes, %v: looks finished", len(got), len(body), err)
			}
		})
	}
}

// What a direction moves is seen by the other one late, so late that a connection on
// which one side has begun to talk could be taken for a silent one.
func TestRelay_OneThatHasBegunToTalkIsNotIdle(t *testing.T) {
	const idle = time.Second
	up := listen(t, func(u *upstream, p *peer) {
		time.Sleep(idle * 6 / 10)
		for range 40 {
			p.send("y")
			time.Sleep(idle / 40)
		}
	})
	r := newRig(t, func(c *config.Config) { tcpOnly(c); c.Server.Timeouts.TunnelIdle = config.Duration(idle) }, up.addr)
	clients := make([]*peer, 20)
	for i := range clients {
		clients[i] = r.dial()
	}
	for _, c := range clients {
		if got, err := io.ReadAll(c.br); len(got) != 40 || err != nil {
			t.Errorf("%d of 40 bytes, %v", len(got), err)
		}
		c.close()
	}
	r.results("ok", float64(len(clients)))
}
