package exchange

import (
	"testing"
	"time"
)

func expecting(body Body, length int64) *Request {
	req := post(body, length)
	req.Expect = true
	return req
}

func TestClient_WithholdsABodyForContinue(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(body Body, length int64, sent string) {
			t.Helper()
			req := expecting(body, length)
			u := serve(t, network, func(p *peer) {
				p.head()
				if n := p.r.Buffered(); n != 0 {
					t.Errorf("%d bytes came with the head", n)
				}
				p.say("HTTP/1.1 100 Continue\r\n\r\n")
				if got := p.take(len(sent)); got != sent {
					t.Errorf("body %q", got)
				}
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				p.gone()
			})
			c := u.client(t)
			wants(t, must(t, c, req), 200, "ok")
			if kept(c) != 1 {
				t.Error("the connection was not kept")
			}
		}
		f(inMem("hello"), 5, "hello")
		f(inMem("hello"), -1, "5\r\nhello\r\n0\r\n\r\n")
		b := streamed()
		go b.give("hello")
		f(b, 5, "hello")
	})
}

func TestClient_DoesNotSendABodyThatIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		for _, body := range []Body{inMem("hello"), streamed()} {
			got := make(chan string, 1)
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")
				got <- p.gone()
			})
			c := u.client(t)
			wants(t, must(t, c, expecting(body, 5)), 417, "no")
			if s := <-got; s != "" || kept(c) != 0 {
				t.Errorf("body %q, %d connections kept", s, kept(c))
			}
		}
	})
}

func TestClient_SendsTheBodyWhenNoContinueComes(t *testing.T) {
	t.Parallel() // it waits a second
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.take(5)
		p.say(okEmpty)
		p.gone()
	})
	req := expecting(inMem("hello"), 5)
	began := time.Now()
	wants(t, must(t, u.client(t), req), 200, "")
	if d := time.Since(began); d < expectWait {
		t.Errorf("sent after %v", d)
	}
}
