package exchange

import (
	"testing"
	"time"
)

// lasts checks that f took about d.
func lasts(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took < d || took > d+5*time.Second {
		t.Errorf("took %v, want %v", took, d)
	}
}

func TestClient_HonoursItsTimeouts(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const d = 150 * time.Millisecond
		u := serve(t, network, func(p *peer) {
			// Two good exchanges with long timeouts first: a deadline set for
			// them must not delay a short one.
			for range 2 {
				p.head()
				p.say(okEmpty)
			}
			p.gone()
		}, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nX-A")
			p.gone()
		}, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			p.gone()
		})
		c := u.client(t)
		for range 2 {
			wants(t, must(t, c, plain()), 200, "")
		}
		req := plain()
		req.FirstByte = d
		lasts(t, d, func() {
			if unsent := fails(t, c, req, FirstByteTimeout); unsent {
				t.Error("said to be unsent")
			}
		})
		req = plain()
		req.ResponseIdle = d
		lasts(t, d, func() { fails(t, c, req, IdleTimeout) })
		for _, how := range []string{"idle", "deadline"} {
			req = plain()
			if how == "idle" {
				req.ResponseIdle = d
			} else {
				req.Deadline = time.Now().Add(d)
			}
			r := must(t, c, req)
			lasts(t, 0, func() {
				if got, err := readAll(r); got != "abc" || KindOf(err) != IdleTimeout {
					t.Errorf("%s: %q %v", how, got, err)
				}
			})
			_ = r.Close()
		}
		req = plain()
		req.Deadline = time.Now().Add(-time.Second)
		if unsent := fails(t, c, req, ConnectFailed); !unsent { // there is no time left to dial
			t.Error("not said to be unsent")
		}
	})
}

func TestClient_ADeadlineOfAnEarlierExchangeEndsNothing(t *testing.T) {
	const d = 200 * time.Millisecond // in which the first one is answered
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say(okEmpty)
		p.head()
		<-time.After(2 * d)
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
		<-time.After(2 * d)
		p.say("good")
		p.gone()
	})
	c := u.client(t)
	req := plain()
	req.FirstByte = d
	wants(t, must(t, c, req), 200, "")
	wants(t, must(t, c, plain()), 200, "good")
	if n := u.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestClient_ADeadlineThatPassedWhileIdleEndsNothing(t *testing.T) {
	u := serve(t, "tcp", answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"))
	c := u.client(t)
	req := plain()
	req.FirstByte = 200 * time.Millisecond
	wants(t, must(t, c, req), 200, "good")
	<-time.After(250 * time.Millisecond)
	req.FirstByte = 0
	wants(t, must(t, c, req), 200, "good")
	wants(t, must(t, c, plain()), 200, "good")
	if n := u.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
