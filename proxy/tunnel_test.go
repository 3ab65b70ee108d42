package proxy

import (
	"io"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

const upgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"

// echoing upgrades, sends a greeting in the same packet as its head, then
// returns what it gets until the other side is done.
func echoing(t *testing.T) *upstream {
	return listen(t, func(u *upstream, p *peer) {
		head := p.head()
		if !strings.Contains(head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n") || !strings.Contains(head, "Sec-WebSocket-Key: k\r\n") {
			t.Errorf("upstream got\n%s", head)
		}
		p.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\nhello")
		_, _ = io.Copy(p.nc, p.br)
		p.send("bye")
		p.closeWrite()
	})
}

func TestTunnel_BothWaysWithEarlyBytesAndHalfClose(t *testing.T) {
	up := echoing(t)
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send(upgrade + "early") // before the answer, as some clients do
	head := c.head()
	if !strings.HasPrefix(head, "HTTP/1.1 101 Switching Protocols\r\n") || !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n") ||
		!strings.Contains(head, "Sec-WebSocket-Accept: a\r\n") {
		t.Errorf("head\n%s", head)
	}
	c.expect("helloearly")
	if n := r.pools["app"].All()[0].InFlight(); n != 1 {
		t.Errorf("%d in flight", n)
	}
	c.send("more")
	c.expect("more")
	c.closeWrite()
	c.expect("bye")
	c.end()
	r.idle()
	r.logged(func(l map[string]any) bool {
		return l["status"] == 101.0 && l["end"] == "ok" && l["bytesIn"] == 9.0 && l["bytesOut"] == 17.0
	})
}

func TestTunnel_RefusedUpgradeIsAnOrdinaryAnswer(t *testing.T) {
	up := answering(t, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
	r := newRig(t, nil, up.addr)
	c := r.dial()
	for range 2 {
		c.send(upgrade)
		if got := c.reply("GET"); got.StatusCode != 426 || got.body != "no" {
			t.Errorf("%+v", got)
		}
	}
}

func TestTunnel_IdleOnesEnd(t *testing.T) {
	up := echoing(t)
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.TunnelIdle = config.Duration(60e6) }, up.addr)
	c := r.dial()
	c.send(upgrade)
	c.head()
	c.expect("hello")
	c.end()
	r.idle()
}

// HTTP/2 on an upgraded connection would pass everything that looks at requests here.
func TestTunnel_H2CIsNotPassedOn(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	r.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n")
	if s := strings.ToLower(up.last()); strings.Contains(s, "h2c") || strings.Contains(s, "http2") || strings.Contains(s, "upgrade") {
		t.Errorf("upstream got\n%s", up.last())
	}
}
