package exchange

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestClient_RefusesMalformedResponses(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(response string) {
			t.Helper()
			closed := make(chan string, 1)
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say(response)
				closed <- p.gone()
			})
			unsent := fails(t, u.client(t), plain(), Invalid)
			if unsent {
				t.Errorf("%q: said to be unsent", response)
			}
			<-closed // the connection is not kept
		}
		const ok = "HTTP/1.1 200 OK\r\n"
		f("garbage")
		f("\r\nHTTP/1.1 200 OK\r\n\r\n")
		f("HTTP/2 200 OK\r\n\r\n")
		f("HTTP/1.x 200 OK\r\n\r\n")
		f("HTTP/1.1  200 OK\r\n\r\n")
		f("HTTP/1.1 20 OK\r\n\r\n")
		f("HTTP/1.1 2000 OK\r\n\r\n")
		f("HTTP/1.1 099 OK\r\n\r\n")
		f("HTTP/1.1 200\tOK\r\n\r\n")
		f("HTTP/1.1 200 O\rK\r\n\r\n")
		f(ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc")
		f(ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		f(ok + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n")
		f(ok + "Content-Length: \r\n\r\n")
		f(ok + "Content-Length: +3\r\n\r\nabc")
		f(ok + "Content-Length: 3, 3\r\n\r\nabc")
		f(ok + "Content-Length: 0x3\r\n\r\nabc")
		f(ok + "Content-Length: 9223372036854775808\r\n\r\nabc")
		f(ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
		f(ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		f(ok + "Transfer-Encoding: identity\r\n\r\nabc")
		f(ok + "Transfer-Encoding:\r\n\r\nabc")
		f("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		f(ok + "X-A : b\r\n\r\n")
		f(ok + " X-A: b\r\n\r\n")
		f(ok + "X-A: b\r\n c\r\n\r\n")
		f(ok + ": b\r\n\r\n")
		f(ok + "X-A\r\n\r\n")
		f(ok + "X(A: b\r\n\r\n")
		f(ok + "X-A: b\x00c\r\n\r\n")
		f(ok + "X-A: b\rc\r\n\r\n")
		f(ok + "X-A: b\x7f\r\n\r\n")
		f(ok + "X-A: b\r\r\n\r\n")
		f(ok + strings.Repeat("A: b\r\n", maxFields+1) + "\r\n")
		f(ok + "X-A: " + strings.Repeat("a", maxHead))
		f("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		f(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", maxInformational+1))
		f("HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n")
		// Broken chunks that come with the head are found in time for a 502.
		f(ok + "Transfer-Encoding: chunked\r\n\r\n-1\r\n")
		f(ok + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n")
	})
}

func TestClient_EndsAnEndlessHead(t *testing.T) {
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\n")
		for {
			if _, err := p.Write([]byte("X-A: " + strings.Repeat("b", 1000) + "\r\n")); err != nil {
				return
			}
		}
	})
	fails(t, u.client(t), plain(), Invalid)
}

func TestClient_SaysWhenTheUpstreamGoesBeforeTheHeadIsComplete(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(script func(p *peer)) {
			t.Helper()
			u := serve(t, network, script)
			if unsent := fails(t, u.client(t), plain(), Reset); unsent {
				t.Error("said to be unsent, which nobody can know")
			}
		}
		f(func(p *peer) { p.head() })
		f(func(p *peer) { p.head(); p.reset() })
		f(func(p *peer) { p.take(3); p.reset() }) // unread bytes: RST on a Unix socket too
		f(func(p *peer) { p.head(); p.say("HTTP/1.1 2") })
		f(func(p *peer) { p.head(); p.say("HTTP/1.1 200 OK\r\nX: y\r\n"); p.reset() })
		f(func(p *peer) { p.head(); p.say("HTTP/1.1 103 Early Hints\r\n\r\n") })
	})
}

func TestClient_ShowsThatABodyWasCutShort(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(head, body, want string, reset bool) {
			t.Helper()
			for _, together := range []bool{true, false} {
				readHead := make(chan bool)
				u := serve(t, network, func(p *peer) {
					p.head()
					if together {
						p.say(head + body)
						<-readHead
					} else {
						p.say(head)
						<-readHead
						p.say(body)
					}
					if reset {
						// The client must have taken what was said: a reset may overtake it.
						p.take(1)
						p.reset()
					}
				})
				r := must(t, u.client(t), plain())
				close(readHead)
				first := make([]byte, len(want))
				n, _ := io.ReadFull(r, first)
				if reset {
					_, _ = r.cn.nc.Write([]byte("!"))
				}
				rest, err := readAll(r)
				if got := string(first[:n]) + rest; got != want || KindOf(err) != Truncated {
					t.Errorf("%q %q: got %q, %v; want %q, truncated", head, body, got, err, want)
				}
				_ = r.Close()
			}
		}
		const ok = "HTTP/1.1 200 OK\r\n"
		f(ok+"Content-Length: 5\r\n\r\n", "abc", "abc", false)
		f(ok+"Transfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n", "abc", false)
		f(ok+"Transfer-Encoding: chunked\r\n\r\n", "5\r\nabc", "abc", false)
		f(ok+"Transfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n0\r\n", "abc", false)
		f(ok+"Transfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n0\r\nX: y\r\n", "abc", false)
		if network == "tcp" {
			f(ok+"\r\n", "abc", "abc", true)
			f(ok+"Content-Length: 5\r\n\r\n", "abc", "abc", true)
		}
	})
}

func TestClient_SaysThatChunksAreBroken(t *testing.T) {
	readHead := make(chan bool)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		<-readHead
		p.say("zz\r\n")
		p.gone()
	})
	r := must(t, u.client(t), plain())
	close(readHead)
	if got, err := readAll(r); got != "abc" || KindOf(err) != Invalid {
		t.Errorf("%q %v", got, err)
	}
}

func TestClient_DoesNotAskAnUpstreamThatAnsweredBefore(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) {
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			if got := p.gone(); got != "" {
				t.Errorf("it was sent %q", got)
			}
		})
		c := u.client(t)
		cn, err := c.dial(plain())
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the answer to arrive", func() bool { return cn.look() == talking })
		err = new(Response).run(c, cn, plain(), c.idle.now(), opening)
		e, ok := err.(*Error) //nolint:errorlint // bare
		if !ok || e.Kind != Invalid || !e.Unsent {
			t.Errorf("%v", err)
		}
	})
}

func TestClient_NothingOfOneExchangeLeaksIntoTheNext(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const ok = "HTTP/1.1 200 OK\r\n"
		good := answer(ok + "Content-Length: 4\r\n\r\ngood")
		f := func(first string, status int, body string) {
			t.Helper()
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say(first)
				if got := p.gone(); got != "" {
					t.Errorf("%q: the connection was used again for %q", first, got)
				}
			}, good)
			c := u.client(t)
			wants(t, must(t, c, plain()), status, body)
			wants(t, must(t, c, plain()), 200, "good")
		}
		evil := ok + "Content-Length: 4\r\n\r\nevil"
		f(ok+"Content-Length: 2\r\n\r\nab"+evil, 200, "ab")
		f(ok+"Content-Length: 2\r\n\r\nab ", 200, "ab")
		f(ok+"Content-Length: 0\r\n\r\n"+evil, 200, "")
		f("HTTP/1.1 204 No Content\r\n\r\n"+evil, 204, "")
		f("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab", 204, "")
		f(ok+"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"+evil, 200, "ab")
	})
}

func TestClient_NothingThatComesLateLeaksIntoTheNextExchange(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const ok = "HTTP/1.1 200 OK\r\n"
		f := func(head, rest, body string) {
			t.Helper()
			readHead := make(chan bool)
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say(head)
				<-readHead
				p.say(rest + ok + "Content-Length: 4\r\n\r\nevil")
				if got := p.gone(); got != "" {
					t.Errorf("%q: the connection was used again for %q", head, got)
				}
			}, answer(ok+"Content-Length: 4\r\n\r\ngood"))
			c := u.client(t)
			r := must(t, c, plain())
			close(readHead)
			wants(t, r, 200, body)
			wants(t, must(t, c, plain()), 200, "good")
		}
		f(ok+"Content-Length: 4\r\n\r\na", "bcd", "abcd")
		f(ok+"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "1\r\nb\r\n0\r\n\r\n", "ab")
	})
}

func TestClient_ResponsesBelongToTheirRequests(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		var served atomic.Int32
		u := serve(t, network, func(p *peer) {
			for {
				head := p.head()
				if head == "" {
					return
				}
				id := strings.Fields(head)[1]
				response := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(id), id)
				switch served.Add(1) % 11 {
				case 3:
					p.say(response + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				case 5:
					p.say(response)
					return
				case 7:
					p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(id), id))
					p.say("0\r\n\r\n")
				default:
					p.say(response)
				}
			}
		})
		c := u.client(t)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				r := new(Response)
				for i := range 200 {
					id := fmt.Sprintf("/%d-%d", g, i)
					req := plain()
					req.Head = []byte("GET " + id + " HTTP/1.1\r\nHost: a\r\n\r\n")
					err := c.Do(req, r)
					if KindOf(err) == Reset {
						continue // it crossed with a close
					}
					if err != nil {
						t.Error(err)
						return
					}
					if got, err := readAll(r); got != id || err != nil {
						t.Errorf("%s got %q, %v", id, got, err)
					}
					_ = r.Close()
				}
			})
		}
		wg.Wait()
	})
}

func TestClient_DiscardsAnIdleConnectionThatTalked(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const ok = "HTTP/1.1 200 OK\r\n"
		idle, said := make(chan bool), make(chan bool)
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say(ok + "Content-Length: 2\r\n\r\nab")
			<-idle
			p.say(ok + "Content-Length: 4\r\n\r\nevil")
			close(said)
			if got := p.gone(); got != "" {
				t.Errorf("the connection was used again for %q", got)
			}
		}, answer(ok+"Content-Length: 4\r\n\r\ngood"))
		c := u.client(t)
		wants(t, must(t, c, plain()), 200, "ab")
		close(idle)
		<-said
		wants(t, must(t, c, plain()), 200, "good")
	})
}

func TestClient_ReplacesIdleConnectionsThatClosed(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		closed := make(chan bool)
		u := serve(t, network, func(p *peer) {
			defer close(closed)
			p.head()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
		}, func(p *peer) {
			p.head()
			p.take(4)
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
			p.gone()
		})
		c := u.client(t)
		wants(t, must(t, c, plain()), 200, "ab")
		<-closed
		until(t, "the close to arrive", func() bool {
			c.idle.mu.Lock()
			defer c.idle.mu.Unlock()
			return len(c.idle.conns) == 1 && c.idle.conns[0].look() == gone
		})
		wants(t, must(t, c, post(inMem("once"), 4)), 200, "good")
	})
}

func TestClient_IsCertainWhenTheUpstreamClosedBeforeTheRequestReachedIt(t *testing.T) {
	closed := make(chan bool)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
		<-closed
	}, answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"))
	c := u.client(t)
	wants(t, must(t, c, plain()), 200, "ab")
	// The close comes between the look and the write: here, the look is skipped.
	cn, _ := c.idle.pop(0)
	close(closed)
	until(t, "the close to arrive", func() bool { return cn.look() == gone })
	r := new(Response)
	err := r.run(c, cn, plain(), c.idle.now(), sending)
	e, ok := err.(*Error) //nolint:errorlint // bare
	if !ok || e.Kind != Reset || e.Unsent != canTell {
		t.Errorf("%v, unsent: %v", err, ok && e.Unsent)
	}
}

func TestClient_GivesUpOnAFloodOfInformationalResponses(t *testing.T) {
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		for {
			if _, err := p.Write([]byte("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")); err != nil {
				return
			}
		}
	})
	req := plain()
	req.FirstByte = 50 * time.Millisecond
	fails(t, u.client(t), req, Invalid)
}
