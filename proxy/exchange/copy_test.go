package exchange

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// drain reads c to its end in the background.
func drain(c net.Conn) <-chan []byte {
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(c)
		got <- b
	}()
	return got
}

func TestResponse_WriteToPassesEveryFraming(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 256<<10) // 4 MB
	onEach(t, func(t *testing.T, network string) {
		f := func(head, raw, want string, keeps bool) {
			t.Helper()
			for _, to := range []string{"tcp", "buffer"} {
				u := serve(t, network, func(p *peer) {
					p.head()
					p.say("HTTP/1.1 200 OK\r\n" + head + "\r\n" + raw)
					if keeps {
						p.gone()
					}
				})
				c := u.client(t)
				r := must(t, c, plain())
				var got []byte
				var n int64
				var err error
				if to == "tcp" {
					a, b := tcpPair(t)
					read := drain(b)
					n, err = r.WriteTo(a)
					_ = a.Close()
					got = <-read
					_ = b.Close()
				} else {
					var b bytes.Buffer
					n, err = r.WriteTo(&b)
					got = b.Bytes()
				}
				if string(got) != want || n != int64(len(want)) || err != nil {
					t.Errorf("%s %q: %d of %d bytes, said %d, %v", to, head, len(got), len(want), n, err)
				}
				_ = r.Close()
				if k := kept(c); (k == 1) != keeps {
					t.Errorf("%q: %d connections kept", head, k)
				}
			}
		}
		f("Content-Length: 3\r\n", "abc", "abc", true)
		f("Content-Length: 0\r\n", "", "", true)
		f("Content-Length: 4194304\r\n", large, large, true)
		f("", "abc", "abc", false)
		f("", large, large, false)
		f("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", "abc", true)
		f("Transfer-Encoding: chunked\r\n", "400000\r\n"+large+"\r\n0\r\n\r\n", large, true)
	})
}

func TestResponse_WriteToShowsTruncation(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(head string, reset bool, kind Kind) {
			t.Helper()
			a, b := tcpPair(t)
			defer a.Close()
			defer b.Close()
			first := make(chan bool)
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say("HTTP/1.1 200 OK\r\n" + head + "\r\n")
				<-first
				p.say("abc")
				if reset {
					got := make([]byte, 3)
					_, _ = io.ReadFull(b, got) // through all of it, before the reset
					p.reset()
				}
			})
			r := must(t, u.client(t), plain())
			close(first)
			n, err := r.WriteTo(a)
			if n != 3 || KindOf(err) != kind {
				t.Errorf("%q: %d bytes, %v; want %v", head, n, err, kind)
			}
			if _, err := r.Read(make([]byte, 1)); KindOf(err) != kind {
				t.Errorf("then Read: %v", err)
			}
		}
		f("Content-Length: 300000\r\n", false, Truncated)
		if network == "tcp" {
			f("Content-Length: 300000\r\n", true, Truncated)
			f("", true, Truncated)
		}
	})
}

func TestResponse_WriteToHonoursIdle(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const d = 100 * time.Millisecond
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
			for range 3 { // slower than the timeout in all, but never idle for so long
				<-time.After(d / 2)
				p.say("abc")
			}
			p.gone()
		})
		a, b := tcpPair(t)
		defer a.Close()
		defer b.Close()
		req := plain()
		req.ResponseIdle = d
		r := must(t, u.client(t), req)
		lasts(t, d*5/2, func() {
			if n, err := r.WriteTo(a); n != 9 || KindOf(err) != IdleTimeout {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	})
}

func TestResponse_WriteToTellsTheWritersFaultFromTheUpstreams(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		for _, head := range []string{"Content-Length: 1000000000\r\n", "", "Transfer-Encoding: chunked\r\n"} {
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say("HTTP/1.1 200 OK\r\n" + head + "\r\n")
				piece := strings.Repeat("a", 0x10000)
				if strings.HasPrefix(head, "T") {
					piece = "10000\r\n" + piece + "\r\n"
				}
				for {
					if _, err := io.WriteString(p.Conn, piece); err != nil {
						return
					}
				}
			})
			for _, how := range []string{"gone", "slow"} {
				a, b := tcpPair(t)
				if how == "gone" {
					_ = b.SetLinger(0)
					_ = b.Close()
				} else {
					_ = a.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
				}
				r := must(t, u.client(t), plain())
				_, err := r.WriteTo(a)
				if err == nil || KindOf(err) != 0 {
					t.Errorf("%q, client %s: %v, which is not the writer's", head, how, err)
				}
				_ = r.Close()
				_ = a.Close()
				_ = b.Close()
			}
		}
	})
}

func TestResponse_WriteToStopsAtAFailingWriter(t *testing.T) {
	u := serve(t, "tcp", answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
	full := errors.New("full")
	r := must(t, u.client(t), plain())
	n, err := r.WriteTo(writerFunc(func(p []byte) (int, error) { return 1, full }))
	if n != 1 || err != full { //nolint:errorlint // must come through as it is
		t.Errorf("%d %v", n, err)
	}
	wants(t, r, 200, "bc")
}
