package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// recorder is an upstream that keeps every byte it is sent. Each request is
// answered with what net/http made of it, so that an answer tells which request
// it belongs to.
type recorder struct {
	ln     net.Listener
	single bool // one request to a connection

	mu    sync.Mutex
	conns []*recording
	open  int
}

type recording struct{ bytes.Buffer }

func record(t testing.TB, network, address string, single bool) *recorder {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{ln: ln, single: single}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			c := &recording{}
			r.mu.Lock()
			r.conns = append(r.conns, c)
			r.open++
			r.mu.Unlock()
			serving.Go(func() {
				r.serve(nc, c)
				r.mu.Lock()
				r.open--
				r.mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		serving.Wait()
	})
	return r
}

func (r *recorder) serve(nc net.Conn, c *recording) {
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(2 * patience))
	br := bufio.NewReader(io.TeeReader(nc, c))
	for {
		if !r.one(nc, br) {
			break
		}
	}
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(c, nc) // whatever else comes is wanted, too
	}
}

// one answers one request and reports whether another may come.
func (r *recorder) one(nc net.Conn, br *bufio.Reader) bool {
	req, err := http.ReadRequest(br)
	if err != nil {
		return false
	}
	if req.Header.Get("Expect") != "" {
		if _, err := io.WriteString(nc, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false
		}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return false
	}
	echo := inWords(req.Method, req.RequestURI, req.Host, string(body))
	head := "HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(echo)) + "\r\n"
	if r.single {
		head += "Connection: close\r\n"
	}
	if req.Method == "HEAD" {
		echo = ""
	}
	_, err = io.WriteString(nc, head+"\r\n"+echo)
	return err == nil && !r.single
}

// fence is what take sends on a connection of its own.
const fence = "fence\r\n"

// take waits until all connections have ended and returns what came on each. Its
// own connection comes behind those that were made and not yet accepted.
func (r *recorder) take(t testing.TB) []string {
	t.Helper()
	nc, err := net.Dial(r.ln.Addr().Network(), r.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(nc, fence)
	_ = nc.Close()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	eventually(t, "the connections to the upstream to end", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.conns); r.open > 0 || n == 0 || r.conns[n-1].String() != fence {
			return false
		}
		for _, c := range r.conns[:len(r.conns)-1] {
			got = append(got, c.String())
		}
		r.conns = nil
		return true
	}, nil)
	return slices.DeleteFunc(got, func(s string) bool { return s == "" })
}

// answers are what a client got on one connection.
type answers struct {
	statuses []int // of final answers
	bodies   []string
	fault    error // what comes after them is no answer
}

// exchangeRaw sends raw on a new connection, closes its own half of it where asked
// to, and returns what comes back until the end.
func exchangeRaw(t testing.TB, nc net.Conn, raw string, half bool) []byte {
	t.Helper()
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(nc, raw) // refused before all was sent: the answer says so
		if c, ok := nc.(interface{ CloseWrite() error }); ok && half {
			_ = c.CloseWrite()
		}
	}()
	got, err := io.ReadAll(nc)
	if isTimeout(err) {
		t.Errorf("%.300q: the connection should have ended; got %q", raw, got)
	}
	_ = nc.Close()
	<-sent
	return got
}

// readAnswers takes apart what came back for requests of these methods.
func readAnswers(raw []byte, methods []string) (a answers) {
	br := bufio.NewReader(bytes.NewReader(raw))
	for {
		if _, err := br.Peek(1); err != nil {
			return a
		}
		method := "GET"
		if len(a.statuses) < len(methods) {
			method = methods[len(a.statuses)]
		}
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			a.fault = err
			return a
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			a.fault = errors.Join(a.fault, err)
		}
		if resp.StatusCode < 200 {
			continue
		}
		a.statuses, a.bodies = append(a.statuses, resp.StatusCode), append(a.bodies, string(body))
	}
}
