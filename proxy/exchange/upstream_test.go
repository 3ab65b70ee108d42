package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if left := lingering(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// lingering waits until no goroutine of this package is left but this one, and
// gives the stacks of those that do not go.
func lingering() string {
	var left string
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		left = ""
		for i, g := range strings.Split(string(buf), "\n\n") {
			if i > 0 && strings.Contains(g, "proxy/exchange.") && !strings.Contains(g, "proxy/exchange.TestMain") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		tick()
	}
	return left
}

// tick is the pause between two looks at a condition.
func tick() { time.Sleep(time.Millisecond) }

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); tick() {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// peer is the upstream's end of a connection.
type peer struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// head reads a request's head.
func (p *peer) head() string {
	var b strings.Builder
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		c, err := p.r.ReadByte()
		if err != nil {
			if b.Len() > 0 {
				p.t.Errorf("upstream: head cut short after %q: %v", b.String(), err)
			}
			return ""
		}
		b.WriteByte(c)
	}
	return b.String()
}

// take reads n bytes.
func (p *peer) take(n int) string {
	b := make([]byte, n)
	k, err := io.ReadFull(p.r, b)
	if err != nil {
		p.t.Errorf("upstream: read %d of %d bytes: %v", k, n, err)
	}
	return string(b[:k])
}

// say writes; that the other side has gone is no fault here.
func (p *peer) say(s string) { _, _ = io.WriteString(p.Conn, s) }

// gone waits for the end of the connection and gives what came before.
func (p *peer) gone() string {
	b, err := io.ReadAll(p.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("upstream: connection not closed; got %q", b)
	}
	return string(b)
}

// reset ends a TCP connection with RST.
func (p *peer) reset() {
	if c, ok := p.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = p.Close()
}

// upstream runs a script for each connection it takes.
type upstream struct {
	network, address string
	conns            atomic.Int32
}

// serve starts an upstream: the first connection runs the first script, and
// so on; the last one is repeated. A connection is closed when its script ends.
func serve(t *testing.T, network string, scripts ...func(p *peer)) *upstream {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{network: network, address: l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			k := min(int(u.conns.Add(1)), len(scripts)) - 1
			wg.Go(func() {
				defer c.Close()
				scripts[k](&peer{Conn: c, t: t, r: bufio.NewReader(c)})
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return u
}

// client makes a client of u that is closed, before u is, at the test's end.
func (u *upstream) client(t *testing.T) *Client {
	c := NewClient(u.network, u.address, Options{})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// kept is how many connections c holds idle.
func kept(c *Client) int {
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	return len(c.idle.conns)
}

// answer is a script: every request without a body gets the same.
func answer(s string) func(p *peer) {
	return func(p *peer) {
		for p.head() != "" {
			p.say(s)
		}
	}
}

// onEach runs f over both kinds of socket.
func onEach(t *testing.T, f func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { f(t, network) })
	}
}

const plainHead = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

// plain is a GET with short timeouts.
func plain() *Request {
	return &Request{Head: []byte(plainHead), Method: "GET", Connect: 5 * time.Second, FirstByte: 10 * time.Second, ResponseIdle: 10 * time.Second}
}

// must does req and fails the test when it fails.
func must(t *testing.T, c *Client, req *Request) *Response {
	t.Helper()
	r := new(Response)
	if err := c.Do(req, r); err != nil {
		t.Fatalf("Do: %v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// fails does req, which must fail with kind, and gives whether it is said to be
// unsent.
func fails(t *testing.T, c *Client, req *Request, kind Kind) (unsent bool) {
	t.Helper()
	r := new(Response)
	err := c.Do(req, r)
	if err == nil {
		_ = r.Close()
		t.Fatalf("Do: status %d; want %v", r.Status, kind)
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("Do: %v; want %v", err, kind)
	}
	if e.Err == nil && kind != Canceled {
		t.Errorf("Do: %v, without a cause", err)
	}
	return e.Unsent
}

// readAll reads the body to its end.
func readAll(r *Response) (string, error) {
	b, err := io.ReadAll(r)
	return string(b), err
}

// drain reads c to its end in the background.
func drain(c net.Conn) <-chan []byte {
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(c)
		got <- b
	}()
	return got
}

// wants checks a response to its end, and closes it.
func wants(t *testing.T, r *Response, status int, body string) {
	t.Helper()
	got, err := readAll(r)
	if r.Status != status || got != body || err != nil {
		t.Errorf("response %d %q, %v; want %d %q", r.Status, got, err, status, body)
	}
	_ = r.Close()
}

// memBody is a body in memory.
type memBody struct {
	bytes.Reader
	b       []byte
	trailer []Field
}

func inMem(s string, trailer ...Field) *memBody {
	m := &memBody{b: []byte(s), trailer: trailer}
	m.Reset(m.b)
	return m
}

func (m *memBody) Bytes() ([]byte, bool) { return m.b, true }
func (m *memBody) Interrupt()            {}
func (m *memBody) Trailer() []Field      { return m.trailer }

// pipeBody is a body that streams: the test writes it.
type pipeBody struct {
	*io.PipeReader
	w           *io.PipeWriter
	trailer     []Field
	interrupted atomic.Int32
}

func streamed() *pipeBody {
	r, w := io.Pipe()
	return &pipeBody{PipeReader: r, w: w}
}

func (b *pipeBody) Interrupt() {
	b.interrupted.Add(1)
	_ = b.CloseWithError(errors.New("interrupted"))
}
func (b *pipeBody) Trailer() []Field { return b.trailer }

// give writes the body and ends it.
func (b *pipeBody) give(parts ...string) {
	for _, s := range parts {
		if _, err := io.WriteString(b.w, s); err != nil {
			return
		}
	}
	_ = b.w.Close()
}

func post(body Body, length int64) *Request {
	req := plain()
	req.Method, req.Body, req.Length = "POST", body, length
	framing := fmt.Sprintf("Content-Length: %d", length)
	if length < 0 {
		framing = "Transfer-Encoding: chunked"
	}
	req.Head = []byte("POST /x HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n\r\n")
	return req
}
