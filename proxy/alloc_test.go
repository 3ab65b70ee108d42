package proxy

import (
	"bytes"
	"net"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// echoPlain answers every request without allocating.
func echoPlain(ln net.Listener, answer []byte) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = nc.Close() }()
			buf := make([]byte, 4096)
			for {
				n, err := nc.Read(buf)
				if err != nil {
					return
				}
				if bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
					if _, err := nc.Write(answer); err != nil {
						return
					}
				}
			}
		}()
	}
}

// plainPath returns a function that sends a request and reads its answer over
// one kept connection, without allocating itself.
func plainPath(t testing.TB, r *rig) func() {
	a := r.server.Address("web")
	nc, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	question := []byte("GET /some/path?q=1 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: test\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n")
	buf := make([]byte, 4096)
	return func() {
		if _, err := nc.Write(question); err != nil {
			t.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(buf[:n], []byte("\r\n\r\nhello")); {
			k, err := nc.Read(buf[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += k
		}
	}
}

func plainRig(t *testing.T) *rig {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go echoPlain(ln, []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: today\r\nContent-Length: 5\r\n\r\nhello"))
	return newRig(t, func(c *config.Config) { c.Pools["app"].Strategy = "least-connections" }, ln.Addr().String())
}
