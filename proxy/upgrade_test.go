package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
)

const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

// Until the upstream has said 101 nothing but the request goes up. When it says
// something else, what the client sent behind it is another request like any.
func TestUpgrade_NothingPassesBeforeTheSwitch(t *testing.T) {
	f := func(answer string, status int) {
		t.Helper()
		got := make(chan string, 1)
		up, _ := hostile(t, func(p *peer) {
			head := p.head()
			p.send(answer)
			rest, _ := io.ReadAll(p.br)
			got <- head + string(rest)
		})
		r := newRig(t, patient, up.addr)
		c := r.dial()
		c.send(upgrade + "GET /next HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
		if got := c.reply("GET"); got.StatusCode != status {
			t.Errorf("%q: %+v", answer, got)
		}
		if sent := <-got; !strings.HasPrefix(sent, "GET /ws ") || strings.Contains(sent, "/next") || !strings.HasSuffix(sent, "\r\n\r\n") {
			t.Errorf("%q: the upstream got %q", answer, sent)
		}
		c.want("/next")
		if next := up.last(); !strings.Contains(next, "X-Forwarded-For: 127.0.0.1\r\n") || strings.Contains(next, "6.6.6.6") {
			t.Errorf("%q: the next one came as %q", answer, next)
		}
		r.idle()
	}
	f("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno", 426)
	f(plain("not today"), 200)
	f(okChunked+"2\r\nhi\r\n0\r\n\r\n", 200)
	f("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n", 502)
	f("HTTP/1.1 101 Switching Protocols\r\n\r\n", 502)
}

// Megabytes that are sent together with the request and the answer arrive whole
// on the other side.
func TestUpgrade_WithMuchInFlight(t *testing.T) {
	sent := noise(3<<20 + 7)
	got := make(chan []byte, 1)
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		read := make(chan struct{})
		go func() {
			defer close(read)
			b, _ := io.ReadAll(p.br)
			got <- b
		}()
		p.send(switched + string(sent))
		<-read
		p.send("bye")
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	done := make(chan []byte, 1)
	go func() {
		_, _ = io.WriteString(c.nc, upgrade+string(sent))
		_ = c.nc.(*net.TCPConn).CloseWrite()
	}()
	head := c.head()
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Fatalf("head\n%s", head)
	}
	go func() {
		b, _ := io.ReadAll(c.br)
		done <- b
	}()
	if b := <-got; !bytes.Equal(b, sent) {
		t.Errorf("%d of %d bytes went up", len(b), len(sent))
	}
	if b := <-done; !bytes.Equal(b, append(sent[:len(sent):len(sent)], "bye"...)) {
		t.Errorf("%d of %d bytes came down", len(b), len(sent)+3)
	}
	r.logged(func(l map[string]any) bool {
		return l["status"] == 101.0 && l["end"] == "ok" && l["bytesIn"] == float64(len(sent)) && l["bytesOut"] == float64(len(sent)+3)
	})
	r.idle()
}

// An end is passed on as an end, a reset as a reset, in both directions.
func TestUpgrade_EndsAreWhatTheyWere(t *testing.T) {
	f := func(name string, script func(p *peer), client func(c *peer)) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			p.head()
			p.send(switched)
			script(p)
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send(upgrade)
		c.head()
		client(c)
		r.idle()
		r.counts(0, "drover_open_connections", "protocol", "upgrade")
		if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
			t.Errorf("%s: the upstream is blamed", name)
		}
	}
	ended := make(chan error, 1)
	reads := func(p *peer) {
		_, err := io.ReadAll(p.br)
		ended <- err
	}
	f("the upstream closes at once", func(*peer) {}, func(c *peer) { c.end(); c.close() })
	f("the upstream resets", func(p *peer) {
		p.expect("x")
		_ = p.nc.(*net.TCPConn).SetLinger(0)
	}, func(c *peer) {
		c.send("x")
		if _, err := io.ReadAll(c.br); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a reset came as %v", err)
		}
	})
	f("the client closes", reads, func(c *peer) {
		c.close()
		if err := <-ended; err != nil {
			t.Errorf("an end came as %v", err)
		}
	})
	f("the client resets", reads, func(c *peer) {
		c.send("x")
		_ = c.nc.(*net.TCPConn).SetLinger(0)
		c.close()
		if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a reset came as %v", err)
		}
	})
}

// Where there is nothing to switch for, Upgrade stays on its hop.
func TestUpgrade_OnlyWhereItMeansOne(t *testing.T) {
	up := listen(t, func(u *upstream, p *peer) {
		for {
			head, body, ok := u.request(p)
			if !ok {
				return
			}
			if strings.Contains(strings.ToLower(head), "upgrade") {
				t.Errorf("upstream got\n%s", head)
			}
			p.send(plain(body))
		}
	})
	r := newRig(t, nil, up.addr)
	f := func(raw string) {
		t.Helper()
		if got := r.ask(raw); got.StatusCode != 200 {
			t.Errorf("%q: %+v", raw, got)
		}
	}
	f("GET / HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	f("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n")
	f("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\r\n")
	f("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: a b\r\n\r\n")
	f("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc")
	f("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
}
