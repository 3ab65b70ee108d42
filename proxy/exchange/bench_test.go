package exchange

import (
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

const benchResponse = "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 17:00:00 GMT\r\n" +
	"Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, world!"

// echoless is the least upstream there can be: it answers whatever it reads,
// and allocates nothing while it does.
func echoless(tb testing.TB, network string, response []byte) *Client {
	tb.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(tb.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := make([]byte, 4096)
				for {
					if _, err := c.Read(in); err != nil {
						return
					}
					if _, err := c.Write(response); err != nil {
						return
					}
				}
			}()
		}
	}()
	c := NewClient(network, l.Addr().String(), Options{})
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// once does a whole exchange.
func once(tb testing.TB, c *Client, req *Request, r *Response) {
	if err := c.Do(req, r); err != nil {
		tb.Fatal(err)
	}
	if _, ok := r.Whole(); !ok || r.Status != 200 {
		tb.Fatal("no whole response")
	}
	_ = r.Close()
}

func typical() *Request {
	return &Request{
		Head: []byte("GET /index.html HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n" +
			"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: localhost:8080\r\nX-Request-Id: 0123456789abcdef\r\n\r\n"),
		Method: "GET", Connect: 2 * time.Second, FirstByte: time.Minute, ResponseIdle: 5 * time.Minute, Cancel: new(Cancel),
	}
}

func benchmarkDo(b *testing.B, network string, parallel int) {
	c := echoless(b, network, []byte(benchResponse))
	b.ReportAllocs()
	if parallel == 0 {
		req, r := typical(), new(Response)
		for b.Loop() {
			once(b, c, req, r)
		}
		return
	}
	b.SetParallelism(parallel / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		req, r := typical(), new(Response)
		for pb.Next() {
			once(b, c, req, r)
		}
	})
}

func BenchmarkDo_TCP(b *testing.B)    { benchmarkDo(b, "tcp", 0) }
func BenchmarkDo_Unix(b *testing.B)   { benchmarkDo(b, "unix", 0) }
func BenchmarkDo_TCP64(b *testing.B)  { benchmarkDo(b, "tcp", 64) }
func BenchmarkDo_Unix64(b *testing.B) { benchmarkDo(b, "unix", 64) }

// BenchmarkHead is the parser alone.
func BenchmarkHead(b *testing.B) {
	in := []byte(benchResponse)
	h := new(head)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		h.begin()
		if n, err := h.parse(in); n == 0 || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFill passes 10 MB on to a TCP connection.
func BenchmarkFill(b *testing.B) {
	for _, network := range []string{"tcp", "unix"} {
		b.Run(network, func(b *testing.B) {
			const size = 10 << 20
			response := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n"), make([]byte, size)...)
			c, p := echoless(b, network, response), aPipe(b)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			go func() {
				if c, err := l.Accept(); err == nil {
					_, _ = io.Copy(io.Discard, c)
					_ = c.Close()
				}
			}()
			w, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			req, r := typical(), new(Response)
			b.ReportAllocs()
			b.SetBytes(size)
			for b.Loop() {
				if err := c.Do(req, r); err != nil {
					b.Fatal(err)
				}
				if n, err := pass(r, p, w.(*net.TCPConn)); n != size || err != nil {
					b.Fatal(n, err)
				}
				_ = r.Close()
			}
		})
	}
}
