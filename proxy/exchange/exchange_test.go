package exchange

import (
	"fmt"
	"strings"
	"testing"
)

func TestClient_ReusesACleanConnection(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"))
		c := u.client(t)
		r := new(Response)
		for range 5 {
			if err := c.Do(plain(), r); err != nil {
				t.Fatal(err)
			}
			if b, ok := r.Whole(); !ok || string(b) != "hello" || r.Length != 5 {
				t.Errorf("Whole: %q %v, length %d", b, ok, r.Length)
			}
			if string(r.Reason) != "OK" || r.Minor != 1 || string(get(r.Fields, "x-a")) != "b" {
				t.Errorf("head: %q %d %q", r.Reason, r.Minor, r.Fields)
			}
			wants(t, r, 200, "hello")
		}
		if n := u.conns.Load(); n != 1 {
			t.Errorf("%d connections for requests one after another", n)
		}
	})
}

func TestClient_GivesTheConnectionBackAsSoonAsTheBodyIsThere(t *testing.T) {
	u := serve(t, "tcp", answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	c := u.client(t)
	first := must(t, c, plain())
	wants(t, must(t, c, plain()), 200, "hello")
	wants(t, first, 200, "hello")
	if n := u.conns.Load(); n != 1 {
		t.Errorf("%d connections; the first was free while its response was being passed on", n)
	}
}

func TestClient_FramesResponses(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(method, response string, status int, length int64, body string, reused bool) {
			t.Helper()
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say(response)
				if reused {
					p.head()
					p.say(response)
				}
			})
			c := u.client(t)
			req := plain()
			req.Method = method
			for range 2 {
				r := must(t, c, req)
				if r.Length != length {
					t.Errorf("%q: length %d, want %d", response, r.Length, length)
				}
				wants(t, r, status, body)
			}
			want := int32(2)
			if reused {
				want = 1
			}
			if n := u.conns.Load(); n != want {
				t.Errorf("%q: %d connections for two requests, want %d", response, n, want)
			}
		}
		const ok = "HTTP/1.1 200 OK\r\n"
		f("GET", ok+"Content-Length: 3\r\n\r\nabc", 200, 3, "abc", true)
		f("GET", ok+"Content-Length: 3\r\ncontent-length: 3\r\n\r\nabc", 200, 3, "abc", true)
		f("GET", ok+"Content-Length: 0\r\n\r\n", 200, 0, "", true)
		f("GET", ok+"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", 200, -1, "abc", true)
		f("GET", ok+"\r\nabc", 200, -1, "abc", false)
		f("GET", ok+"Connection: close\r\nContent-Length: 3\r\n\r\nabc", 200, 3, "abc", false)
		f("GET", ok+"Connection: foo, CLOSE\r\nContent-Length: 3\r\n\r\nabc", 200, 3, "abc", false)
		f("HEAD", ok+"Content-Length: 3\r\n\r\n", 200, 0, "", true)
		f("HEAD", ok+"Transfer-Encoding: chunked\r\n\r\n", 200, 0, "", true)
		f("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, 0, "", true)
		f("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 30\r\n\r\n", 304, 0, "", true)
		f("GET", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", 200, 1, "a", true)
		f("GET", "HTTP/1.1 299 \r\nContent-Length: 1\r\n\r\na", 299, 1, "a", true)
		f("GET", "HTTP/1.1 200 OK\nContent-Length: 1\n\na", 200, 1, "a", true)
		f("GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, 1, "a", false)
		f("GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\na", 200, 1, "a", true)
		f("GET", "HTTP/1.0 200 OK\r\n\r\na", 200, -1, "a", false)
	})
}

func TestResponse_ReadsLargeBodiesOfEveryFraming(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 256<<10) // 4 MB
	onEach(t, func(t *testing.T, network string) {
		f := func(head, raw string, keeps bool) {
			t.Helper()
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say("HTTP/1.1 200 OK\r\n" + head + "\r\n" + raw)
				if keeps {
					p.gone()
				}
			})
			c := u.client(t)
			wants(t, must(t, c, plain()), 200, large)
			if k := kept(c); (k == 1) != keeps {
				t.Errorf("%q: %d connections kept", head, k)
			}
		}
		f("Content-Length: 4194304\r\n", large, true)
		f("Transfer-Encoding: chunked\r\n", "400000\r\n"+large+"\r\n0\r\n\r\n", true)
		f("Transfer-Encoding: chunked\r\n", strings.Repeat("10000\r\n"+large[:64<<10]+"\r\n", 64)+"0\r\n\r\n", true)
		f("", large, false)
	})
}

func TestClient_TakesAResponseByteByByte(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const response = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
			"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nX-Y: z\r\n\r\n" +
			"3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n"
		u := serve(t, network, func(p *peer) {
			for p.head() != "" {
				for i := range response {
					p.say(response[i : i+1])
				}
			}
		})
		c := u.client(t)
		for range 2 {
			r := must(t, c, plain())
			var got strings.Builder
			for p := make([]byte, 1); ; {
				n, err := r.Read(p)
				got.Write(p[:n])
				if err != nil {
					break
				}
			}
			if got.String() != "abc0123456789" || string(r.Reason) != "Fine" || string(get(r.Fields, "x-y")) != "z" {
				t.Errorf("%q %q %q", got.String(), r.Reason, r.Fields)
			}
			if tr := r.Trailer(); len(tr) != 1 || string(tr[0].Name) != "X-T" || string(tr[0].Value) != "1" {
				t.Errorf("trailer %q", tr)
			}
			_ = r.Close()
		}
		if n := u.conns.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestClient_PassesInformationalResponsesOn(t *testing.T) {
	u := serve(t, "tcp", answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+
		"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"))
	req := plain()
	var got []string
	req.Informational = func(status int, fields []Field) {
		got = append(got, fmt.Sprintf("%d %q", status, fields))
	}
	wants(t, must(t, u.client(t), req), 200, "a")
	if s := strings.Join(got, "; "); s != `103 [{"Link" "</a>"}]; 102 []` {
		t.Errorf("informational: %s", s)
	}
}

func TestClient_SurvivesAPanicInInformational(t *testing.T) {
	closed := make(chan string, 1)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 103 Early Hints\r\n\r\n")
		closed <- p.gone()
	})
	req := plain()
	req.Informational = func(int, []Field) { panic("oh") }
	func() {
		defer func() { _ = recover() }()
		_ = u.client(t).Do(req, new(Response))
	}()
	<-closed
}

func TestResponse_KeepsItsFieldsWhileTheBodyStreams(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		more := make(chan bool)
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 Good\r\nX-A: first\r\nX-Empty:\r\nContent-Length: 6\r\n\r\nabc")
			<-more
			p.say("def")
		})
		r := must(t, u.client(t), plain())
		if r.small == nil || r.large != nil {
			t.Error("a stream keeps a large buffer")
		}
		if _, ok := r.Whole(); ok {
			t.Error("Whole before all is there")
		}
		close(more)
		got, err := readAll(r)
		if got != "abcdef" || err != nil {
			t.Errorf("%q %v", got, err)
		}
		if string(r.Reason) != "Good" || fmt.Sprintf("%q", r.Fields) != `[{"X-A" "first"} {"X-Empty" ""} {"Content-Length" "6"}]` {
			t.Errorf("%q %q", r.Reason, r.Fields)
		}
	})
}

func TestClient_CloseLetsExchangesFinish(t *testing.T) {
	closed := make(chan string, 1)
	more := make(chan bool)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
		<-more
		p.say("def")
		closed <- p.gone()
	})
	c := u.client(t)
	r := must(t, c, plain())
	_ = c.Close()
	close(more)
	wants(t, r, 200, "abcdef")
	<-closed
}
