package exchange

import (
	"io"
	"testing"
)

func upgrade(protocol string) *Request {
	req := plain()
	req.Upgrade = protocol
	req.Head = []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: " + protocol + "\r\n\r\n")
	return req
}

func switching(to string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n" + to + "\r\n"
}

func TestClient_TunnelsAfterAnUpgrade(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(asked, given, early string) {
			t.Helper()
			u := serve(t, network, answer(okEmpty), func(p *peer) {
				p.head()
				p.say(switching("Upgrade: "+given+"\r\n") + early)
				if got := p.take(4); got != "ping" {
					t.Errorf("through the tunnel came %q", got)
				}
				p.say("pong")
				p.gone()
			})
			c := u.client(t)
			wants(t, must(t, c, plain()), 200, "") // leaves an idle connection
			var cancel Cancel
			req := upgrade(asked)
			req.Cancel = &cancel
			r := must(t, c, req)
			nc, rest := r.Tunnel()
			if nc == nil || r.Status != 101 || string(rest) != early {
				t.Fatalf("tunnel %v, status %d, early bytes %q", nc, r.Status, rest)
			}
			_ = r.Close()
			cancel.Fire() // both leave the tunnel alone
			if _, err := io.WriteString(nc, "ping"); err != nil {
				t.Error(err)
			}
			got := make([]byte, 4)
			if _, err := io.ReadFull(nc, got); string(got) != "pong" || err != nil {
				t.Errorf("%q %v", got, err)
			}
			_ = nc.Close()
			if n := u.conns.Load(); n != 2 {
				t.Errorf("%d connections: an upgrade has its own", n)
			}
			if kept(c) != 1 {
				t.Error("the tunnel went to the pool")
			}
		}
		f("websocket", "websocket", "")
		f("websocket", "WebSocket", "early bytes")
		f("h2c, websocket", "websocket", "")
	})
}

func TestClient_RefusesABadSwitch(t *testing.T) {
	f := func(req *Request, response string) {
		t.Helper()
		closed := make(chan string, 1)
		u := serve(t, "tcp", func(p *peer) {
			p.head()
			p.say(response)
			closed <- p.gone()
		})
		fails(t, u.client(t), req, Invalid)
		<-closed
	}
	f(plain(), switching("Upgrade: websocket\r\n"))
	f(upgrade("websocket"), switching("Upgrade: h2c\r\n"))
	f(upgrade("websocket"), switching(""))
	f(upgrade("websocket"), "HTTP/1.1 100 Continue\r\n\r\n"+switching("Upgrade: h2c\r\n"))
	early := post(streamed(), 5)
	early.Upgrade = "websocket"
	f(early, switching("Upgrade: websocket\r\n"))
}

func TestClient_AnUpgradeMayBeDeclined(t *testing.T) {
	closed := make(chan string, 1)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
		closed <- p.gone()
	})
	r := must(t, u.client(t), upgrade("websocket"))
	if nc, _ := r.Tunnel(); nc != nil {
		t.Error("a tunnel without 101")
	}
	wants(t, r, 426, "no")
	if s := <-closed; s != "" {
		t.Errorf("the connection was used again for %q", s)
	}
}

func TestResponse_CloseEndsATunnelThatWasNotTaken(t *testing.T) {
	closed := make(chan string, 1)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say(switching("Upgrade: websocket\r\n"))
		closed <- p.gone()
	})
	var cancel Cancel
	req := upgrade("websocket")
	req.Cancel = &cancel
	r := must(t, u.client(t), req)
	cancel.Fire()
	if nc, _ := r.Tunnel(); nc != nil {
		t.Error("a tunnel after Cancel")
	}
	_ = r.Close()
	<-closed
}
