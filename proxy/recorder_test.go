package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strings"
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
	ended *sync.Cond // on mu: a connection has ended
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
	r.ended = sync.NewCond(&r.mu)
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
				r.ended.Broadcast()
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
	if early := earlyStatus(req.RequestURI); early != 0 {
		echo := inWords(req.Method, req.RequestURI, req.Host, "")
		if !r.answer(nc, early, req.Method, echo) {
			return false
		}
		_, err := io.Copy(io.Discard, req.Body)
		return err == nil && !r.single
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
	return r.answer(nc, 200, req.Method, inWords(req.Method, req.RequestURI, req.Host, string(body))) && !r.single
}

// earlyStatus is that of a target which is answered before the body is read; 0
// for others.
func earlyStatus(target string) int {
	switch {
	case strings.Contains(target, "/early"):
		return 200
	case strings.Contains(target, "/refused"):
		return 413
	}
	return 0
}

func (r *recorder) answer(nc net.Conn, status int, method, echo string) bool {
	head := fmt.Sprintf("HTTP/1.1 %d \r\nContent-Length: %d\r\nEcho: %s\r\n", status, len(echo), digest(echo))
	if r.single {
		head += "Connection: close\r\n"
	}
	if method == "HEAD" {
		echo = ""
	}
	_, err := io.WriteString(nc, head+"\r\n"+echo)
	return err == nil
}

// digest is in the head of an answer, for there is no body to a HEAD.
func digest(echo string) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, echo) // never fails
	return fmt.Sprintf("%x", h.Sum64())
}

// fence is what take sends on a connection of its own.
const fence = "fence\r\n"

// take waits until all connections have ended and returns what came on each. Its
// own connection comes behind those that were made and not yet accepted.
func (r *recorder) take(t testing.TB) (got []string) {
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
	r.mu.Lock()
	defer r.mu.Unlock()
	for { // serve's deadline bounds it
		n := len(r.conns) - 1
		if r.open == 0 && n >= 0 && r.conns[n].String() == fence {
			break
		}
		r.ended.Wait()
	}
	for _, c := range r.conns[:len(r.conns)-1] {
		if c.Len() > 0 {
			got = append(got, c.String())
		}
	}
	r.conns = nil
	return got
}

// answers are what a client got on one connection.
type answers struct {
	statuses []int    // of final answers
	echoes   []string // the recorder's digests; empty for answers that are not its
	bodies   []string
	fault    error // what comes after them is no answer
}

// exchangeRaw sends raw on a new connection and returns what comes back until the end.
func exchangeRaw(t testing.TB, network, address, raw string) []byte {
	t.Helper()
	nc, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(nc, raw) // refused before all was sent: the answer says so
	}()
	got, err := io.ReadAll(nc)
	if isTimeout(err) {
		t.Errorf("%.300q: the connection should have ended; got %q", raw, got)
	}
	_ = nc.Close()
	<-sent
	return got
}

// readAnswers takes apart what came back for requests of these methods. Behind
// those there may be an answer to a request that was refused, whose body is there
// or not: of a HEAD that was not understood nobody knows that it is one.
func readAnswers(raw []byte, methods []string) (a answers) {
	br := bufio.NewReader(bytes.NewReader(raw))
	for {
		if _, err := br.Peek(1); err != nil {
			return a
		}
		method := "GET"
		known := len(a.statuses) < len(methods)
		if known {
			method = methods[len(a.statuses)]
		}
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			a.fault = err
			return a
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil && (known || len(body) > 0) {
			a.fault = errors.Join(a.fault, err)
		}
		if resp.StatusCode < 200 {
			continue
		}
		a.statuses, a.bodies = append(a.statuses, resp.StatusCode), append(a.bodies, string(body))
		a.echoes = append(a.echoes, resp.Header.Get("Echo"))
	}
}
