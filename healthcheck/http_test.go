package healthcheck

import (
	"bufio"
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// answering listens and writes raw to everyone who has sent a request head; it
// returns the address and the heads. hold keeps the connection open afterwards.
func answering(t *testing.T, network, raw string, hold bool) (address string, heads <-chan string) {
	t.Helper()
	address = "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	seen := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				r, head := bufio.NewReader(c), ""
				for !strings.HasSuffix(head, "\r\n\r\n") {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					head += line
				}
				seen <- head
				_, _ = c.Write([]byte(raw))
				if hold {
					_, _ = r.ReadByte()
				}
			}()
		}
	}()
	return l.Addr().String(), seen
}

func probe(t *testing.T, hc config.HealthCheck, network, address string) error {
	t.Helper()
	hc.Type = "http"
	c, err := New(&config.Pool{HealthCheck: hc}, Env{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Probe(ctx, Target{Network: network, Address: address})
}

func TestHTTPCheck_Judges(t *testing.T) {
	f := func(hc config.HealthCheck, raw, want string) {
		t.Helper()
		address, _ := answering(t, "tcp", raw, false)
		err := probe(t, hc, "tcp", address)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", raw, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q", raw, err, want)
		}
	}
	any5 := config.HealthCheck{}
	f(any5, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "")
	f(any5, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "")
	f(any5, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "")
	f(any5, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "GET /: status 500, want any below 500")
	f(any5, "HTTP/1.0 200 OK\r\n\r\nhello", "")
	f(any5, "SSH-2.0-OpenSSH_9.2\r\n", "malformed")
	f(any5, "", "EOF")
	f(any5, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n", "exceeded")

	named := config.HealthCheck{Endpoint: "/health"}
	f(named, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "")
	f(named, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "")
	f(named, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "GET /health: status 404, want 200-399")
	named.ExpectStatus = "404"
	f(named, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "")
	f(named, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "want 404")

	body := config.HealthCheck{ExpectBody: "all is well"}
	f(body, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n[all is well]", "")
	f(body, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", `does not contain "all is well"`)
	f(body, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nall is", "read the body")
	pad := strings.Repeat("x", 60<<10)
	f(body, "HTTP/1.1 200 OK\r\n\r\n"+pad+"all is well", "")
	f(body, "HTTP/1.1 200 OK\r\n\r\n"+pad+pad+"all is well", "does not contain")
}

func TestHTTPCheck_AsksPolitely(t *testing.T) {
	f := func(network string) {
		t.Helper()
		address, heads := answering(t, network, "HTTP/1.1 204 No Content\r\n\r\n", false)
		if err := probe(t, config.HealthCheck{Endpoint: "/up?deep=1"}, network, address); err != nil {
			t.Fatal(err)
		}
		host := address
		if network == "unix" {
			host = "localhost"
		}
		head := <-heads
		for _, line := range []string{"GET /up?deep=1 HTTP/1.1\r\n", "Host: " + host + "\r\n", "Connection: close\r\n"} {
			if !strings.Contains(head, line) {
				t.Errorf("%s: the request lacks %q:\n%s", network, line, head)
			}
		}
	}
	f("tcp")
	f("unix")
}

func TestHTTPCheck_FollowsNoRedirect(t *testing.T) {
	other, heads := answering(t, "tcp", "HTTP/1.1 200 OK\r\n\r\n", false)
	address, _ := answering(t, "tcp", "HTTP/1.1 302 Found\r\nLocation: http://"+other+"/\r\n\r\n", false)
	if err := probe(t, config.HealthCheck{Endpoint: "/", ExpectStatus: "200"}, "tcp", address); err == nil {
		t.Error("a redirect passed for 200")
	}
	if len(heads) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestHTTPCheck_DoesNotWaitForAnEndlessBody(t *testing.T) {
	address, _ := answering(t, "tcp", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ready\n\n", true)
	if err := probe(t, config.HealthCheck{}, "tcp", address); err != nil {
		t.Error(err)
	}
	if err := probe(t, config.HealthCheck{ExpectBody: "ready"}, "tcp", address); err != nil {
		t.Error(err)
	}
}

func TestChecks_EndWithTheirContext(t *testing.T) {
	address, heads := answering(t, "tcp", "", true)
	c, err := NewHTTPCheck(config.HealthCheck{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-heads
		cancel()
	}()
	if err := c.Probe(ctx, Target{Network: "tcp", Address: address}); err == nil {
		t.Error("passed without an answer")
	}
}

func TestTCPCheck_Connects(t *testing.T) {
	f := func(network string) {
		t.Helper()
		address, _ := answering(t, network, "", false)
		if err := NewTCPCheck().Probe(t.Context(), Target{Network: network, Address: address}); err != nil {
			t.Errorf("%s: %v", network, err)
		}
	}
	f("tcp")
	f("unix")
	if err := NewTCPCheck().Probe(t.Context(), Target{Network: "unix", Address: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("nobody listens, and it passes")
	}
}

func TestNew_RefusesWrongSettings(t *testing.T) {
	f := func(hc config.HealthCheck, want string) {
		t.Helper()
		_, err := New(&config.Pool{HealthCheck: hc}, Env{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(config.HealthCheck{Type: "ping"}, `healthCheck.type: "ping" is not known; use one of exec, http, ipc, tcp`)
	f(config.HealthCheck{Type: "http", Endpoint: "health"}, "healthCheck.endpoint")
	f(config.HealthCheck{Type: "http", Endpoint: "http://elsewhere/"}, "healthCheck.endpoint")
	f(config.HealthCheck{Type: "http", Endpoint: "/", ExpectStatus: "good"}, "healthCheck.expectStatus")
	f(config.HealthCheck{Type: "exec"}, "healthCheck.command")
	f(config.HealthCheck{Type: "exec", Command: []string{"true"}}, "healthCheck.type")
}
