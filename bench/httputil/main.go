// Command httputil is the reverse proxy that Go's standard library gives in a few lines, with what
// the other proxies of the bench have: an access log, X-Forwarded-For, kept connections. With -mode tcp
// it is the relay that io.Copy gives.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	mode := flag.String("mode", "http", "http or tcp")
	accessLog := flag.String("log", os.DevNull, "access log")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("usage: httputil [flags] BACKEND… (host:port or /path)")
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	backends := &ring{addresses: flag.Args()}
	if *mode == "tcp" {
		relay(listener, backends)
		return
	}
	file, err := os.Create(*accessLog)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, logged(proxy(backends), bufio.NewWriterSize(file, 64<<10))))
}

// ring hands out the backends in turn.
type ring struct {
	addresses []string
	next      atomic.Uint64
}

func (r *ring) address() string {
	return r.addresses[r.next.Add(1)%uint64(len(r.addresses))]
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, address)
}

// proxy names backend i as the host "bi", so that the transport keeps connections per backend.
func proxy(backends *ring) http.Handler {
	byHost := make(map[string]string)
	hosts := &ring{}
	for i, address := range backends.addresses {
		host := fmt.Sprintf("b%d", i)
		byHost[host+":80"] = address
		hosts.addresses = append(hosts.addresses, host)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: hosts.address()})
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true,
			DialContext: func(ctx context.Context, _, host string) (net.Conn, error) {
				return dial(ctx, byHost[host])
			},
		},
	}
}

// logged writes a line per request through a channel, as a busy program would.
func logged(next http.Handler, out *bufio.Writer) http.Handler {
	lines := make(chan string, 1024)
	go func() {
		for line := range lines {
			if _, err := out.WriteString(line); err != nil {
				log.Fatal(err)
			}
		}
	}()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		next.ServeHTTP(w, r)
		lines <- fmt.Sprintf("%s %s %s %s %s\n", start.Format(time.RFC3339), r.RemoteAddr, r.Method, r.URL.Path, time.Since(start))
	})
}

// relay copies both ways between each connection and a backend.
func relay(listener net.Listener, backends *ring) {
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer func() { _ = client.Close() }()
			server, err := dial(context.Background(), backends.address())
			if err != nil {
				return
			}
			defer func() { _ = server.Close() }()
			go func() {
				_, _ = io.Copy(server, client) // the end of either direction shows in the other one
				closeWrite(server)
			}()
			_, _ = io.Copy(client, server)
		}()
	}
}

func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
