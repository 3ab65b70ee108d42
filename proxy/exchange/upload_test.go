package exchange

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

const (
	okEmpty  = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	tooLarge = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"
)

// recorder is a script that takes exactly the bytes want, answers, and expects
// no more.
func recorder(want, response string, more func(string)) func(p *peer) {
	return func(p *peer) {
		if got := p.take(len(want)); got != want {
			p.t.Errorf("upstream got %q, want %q", got, want)
		}
		p.say(response)
		more(p.gone())
	}
}

func TestClient_SendsBodies(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(req *Request, body string) {
			t.Helper()
			u := serve(t, network, recorder(string(req.Head)+body, okEmpty, func(rest string) {
				if rest != "" {
					t.Errorf("after the request came %q", rest)
				}
			}))
			c := u.client(t)
			r := must(t, c, req)
			wants(t, r, 200, "")
			if kept(c) != 1 {
				t.Errorf("the connection was not kept")
			}
		}
		trailer := []Field{{[]byte("X-T"), []byte("1")}, {[]byte("X-U"), nil}}
		const lastWithTrailer = "0\r\nX-T: 1\r\nX-U: \r\n\r\n"
		give := func(trailer []Field, parts ...string) *pipeBody {
			b := streamed()
			b.trailer = trailer
			go b.give(parts...)
			return b
		}
		f(post(nil, 0), "")
		f(post(inMem(""), 0), "")
		f(post(inMem("hello"), 5), "hello")
		f(post(inMem("hello"), -1), "5\r\nhello\r\n0\r\n\r\n")
		f(post(inMem(""), -1), "0\r\n\r\n")
		f(post(inMem("hello", trailer...), -1), "5\r\nhello\r\n"+lastWithTrailer)
		f(post(give(nil), 0), "")
		f(post(give(nil, "hello"), 5), "hello")
		f(post(give(nil, "hel", "lo"), 5), "hello")
		f(post(give(nil, "hello, chunked", " world"), -1), "e\r\nhello, chunked\r\n6\r\n world\r\n0\r\n\r\n")
		f(post(give(nil), -1), "0\r\n\r\n")
		f(post(give(trailer, "hello"), -1), "5\r\nhello\r\n"+lastWithTrailer)
		large := strings.Repeat("0123456789abcdef", 64<<10) // more than any socket takes at once
		f(post(inMem(large), int64(len(large))), large)
		f(post(give(nil, large), int64(len(large))), large)
		f(post(give(nil, large), -1), strings.Repeat("10000\r\n"+large[:64<<10]+"\r\n", len(large)>>16)+"0\r\n\r\n")
	})
}

// endBody gives its last bytes together with io.EOF, as a Reader may.
type endBody struct{ s string }

func (b *endBody) Read(p []byte) (int, error) {
	n := copy(p, b.s)
	b.s = b.s[n:]
	if b.s == "" {
		return n, io.EOF
	}
	return n, nil
}
func (*endBody) Interrupt()       {}
func (*endBody) Trailer() []Field { return nil }

func TestClient_TakesTheEndOfABodyWithItsLastBytes(t *testing.T) {
	f := func(length int64, body string) {
		t.Helper()
		req := post(&endBody{"hello"}, length)
		u := serve(t, "tcp", recorder(string(req.Head)+body, okEmpty, func(string) {}))
		wants(t, must(t, u.client(t), req), 200, "")
	}
	f(5, "hello")
	f(-1, "5\r\nhello\r\n0\r\n\r\n")
}

func TestClient_BlamesTheClientForItsBody(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(length int64, sentWhole string, give func(b *pipeBody)) {
			t.Helper()
			got := make(chan string, 1)
			u := serve(t, network, func(p *peer) { p.head(); got <- p.gone() })
			body := streamed()
			go give(body)
			unsent := fails(t, u.client(t), post(body, length), ClientBody)
			if unsent {
				t.Error("said to be unsent")
			}
			if s := <-got; s == sentWhole {
				t.Errorf("the upstream got %q, which looks complete", s)
			}
			_ = body.w.Close()
			_ = body.Close()
		}
		f(5, "hello", func(b *pipeBody) { b.give("hell") })
		f(5, "hello", func(b *pipeBody) { b.give("hello", "!") })
		f(5, "hello", func(b *pipeBody) { b.give("hello!") })
		f(3, "abc", func(b *pipeBody) { _ = b.w.CloseWithError(errors.New("client went away")) })
		f(-1, "0\r\n\r\n", func(b *pipeBody) { _ = b.w.CloseWithError(errors.New("client went away")) })
		f(-1, "2\r\nab\r\n0\r\n\r\n", func(b *pipeBody) {
			_, _ = io.WriteString(b.w, "ab")
			_ = b.w.CloseWithError(errors.New("client went away"))
		})
		f(-1, "2\r\nab\r\n0\r\n\r\n", func(b *pipeBody) {
			b.trailer = []Field{{[]byte("X"), []byte("a\r\nY: b")}}
			b.give("ab")
		})
	})
	u := serve(t, "tcp", func(p *peer) { p.gone() })
	if unsent := fails(t, u.client(t), post(inMem("abc"), 4), ClientBody); !unsent {
		t.Error("a body in memory of another length was sent")
	}
}

// A response that is cut short because the request was is the client's fault.
func TestClient_BlamesTheClientForHalfAResponseToHalfARequest(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
			p.gone()
		})
		body := streamed()
		r := must(t, u.client(t), post(body, -1))
		if _, err := io.WriteString(body.w, "some"); err != nil {
			t.Fatal(err)
		}
		_ = body.w.CloseWithError(errors.New("client went away"))
		if got, err := readAll(r); got != "hi" || KindOf(err) != ClientBody {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// panicBody panics when read.
type panicBody struct{}

func (panicBody) Read([]byte) (int, error) { panic("oh") }
func (panicBody) Interrupt()               {}
func (panicBody) Trailer() []Field         { return nil }

func TestClient_SurvivesAPanicInABody(t *testing.T) {
	u := serve(t, "tcp", func(p *peer) { p.head(); p.gone() })
	fails(t, u.client(t), post(panicBody{}, 5), ClientBody)
}

func TestClient_DeliversAnEarlyRefusalAndStopsTheUpload(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		delivered := make(chan bool, 1)
		f := func(length int64, give func(b *pipeBody), script func(p *peer)) {
			t.Helper()
			closed := make(chan bool)
			u := serve(t, network, func(p *peer) {
				defer close(closed)
				p.head()
				script(p)
			})
			body := streamed()
			go give(body)
			c := u.client(t)
			wants(t, must(t, c, post(body, length)), 413, "big")
			delivered <- true
			<-closed
			if body.interrupted.Load() != 1 {
				t.Errorf("interrupted %d times", body.interrupted.Load())
			}
			if n := kept(c); n != 0 {
				t.Error("the connection was kept")
			}
		}
		idle := func(*pipeBody) {}
		endless := func(b *pipeBody) {
			for {
				if _, err := b.w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}
		reads := func(p *peer) { p.say(tooLarge); p.gone(); <-delivered }
		f(1<<40, idle, reads)
		f(-1, idle, reads)
		f(1<<40, endless, reads)
		f(-1, endless, reads)
		// It takes nothing of the body, so the upload waits in a write.
		f(1<<40, endless, func(p *peer) {
			p.say(tooLarge)
			<-delivered
		})
	})
}

func TestClient_DeliversAnEarlyRefusalOfALargeBodyInMemory(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		delivered := make(chan bool)
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say(tooLarge)
			<-delivered
		})
		large := strings.Repeat("a", 64<<20) // more than the socket takes
		wants(t, must(t, u.client(t), post(inMem(large), int64(len(large)))), 413, "big")
		close(delivered)
	})
}

func TestClient_DeliversARefusalThatEndsInAReset(t *testing.T) {
	sent := make(chan bool)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say(tooLarge)
		<-sent
		p.reset() // as a server does that closes with much unread
	})
	body := streamed()
	go func() {
		_, _ = io.WriteString(body.w, "some")
		close(sent)
		for {
			if _, err := body.w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	r := must(t, u.client(t), post(body, 1<<40))
	if r.Status != 413 {
		t.Errorf("status %d", r.Status)
	}
	_ = r.Close()
	_ = body.Close()
}

func TestClient_StreamsBothWays(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for {
				size, err := p.r.ReadString('\n')
				if err != nil || size == "0\r\n" {
					break
				}
				data, _ := p.r.ReadString('\n')
				p.say(size + data)
			}
			p.take(2)
			p.say("0\r\n\r\n")
			p.gone()
		})
		body := streamed()
		c := u.client(t)
		r := must(t, c, post(body, -1))
		for i := range 5 {
			line := fmt.Sprintf("line %d", i)
			if _, err := io.WriteString(body.w, line); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(line))
			if _, err := io.ReadFull(r, got); string(got) != line || err != nil {
				t.Fatalf("%q %v", got, err)
			}
		}
		_ = body.w.Close()
		wants(t, r, 200, "")
		if n := kept(c); n != 1 {
			t.Error("the connection was not kept")
		}
		if body.interrupted.Load() != 0 {
			t.Error("a body that was read to its end was interrupted")
		}
	})
}

func TestResponse_CloseStopsAnUpload(t *testing.T) {
	closed := make(chan string, 1)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		closed <- p.gone()
	})
	body := streamed()
	c := u.client(t)
	r := must(t, c, post(body, 10))
	wants(t, r, 200, "ok")
	<-closed
	if kept(c) != 0 || body.interrupted.Load() != 1 {
		t.Errorf("%d connections kept, interrupted %d times", kept(c), body.interrupted.Load())
	}
}

func TestClient_ReadsTheResponseOfAnUpstreamThatEndedTheUpload(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) {
			p.head()
			// Reads no more, which breaks the upload, and answers later.
			if cr, ok := p.Conn.(interface{ CloseRead() error }); ok {
				_ = cr.CloseRead()
			}
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
		})
		body := streamed()
		go body.give("hello")
		wants(t, must(t, u.client(t), post(body, 5)), 200, "ok")
	})
}

func TestClient_EndsAnUploadThatIsNotTaken(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		release := make(chan bool)
		u := serve(t, network, func(p *peer) { <-release })
		defer close(release)
		body := streamed()
		go body.give(strings.Repeat("a", 64<<20))
		req := post(body, 64<<20)
		req.ResponseIdle = 100 * time.Millisecond
		fails(t, u.client(t), req, IdleTimeout)
		_ = body.Close()

		large := inMem(strings.Repeat("a", 64<<20))
		req = post(large, 64<<20)
		req.ResponseIdle, req.FirstByte = 0, 100*time.Millisecond
		fails(t, u.client(t), req, IdleTimeout)
	})
}

func TestClient_FirstByteCountsFromTheWholeRequest(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) { p.gone() })
		body := streamed()
		req := post(body, 3)
		req.FirstByte = 60 * time.Millisecond
		var began, ended time.Time
		go func() {
			// The body moves for longer than FirstByte.
			for _, s := range []string{"a", "b", "c"} {
				<-time.After(50 * time.Millisecond)
				_, _ = io.WriteString(body.w, s)
			}
			began = time.Now()
			_ = body.w.Close()
		}()
		unsent := fails(t, u.client(t), req, FirstByteTimeout)
		if ended = time.Now(); ended.Sub(began) < 60*time.Millisecond || unsent {
			t.Errorf("given up after %v, unsent %v", ended.Sub(began), unsent)
		}
	})
}
