package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/logs"
	"github.com/drover-proxy/drover/metrics"
	"github.com/drover-proxy/drover/pool"
)

// rig is a running server with scripted upstreams behind it and raw clients in front.
type rig struct {
	t       testing.TB
	cfg     *config.Config
	server  *Server
	metrics *metrics.Metrics
	pools   map[string]*pool.Pool
	logFile string
	stop    func() // begins the drain
	done    chan struct{}
}

// patience bounds waits for what must happen; nothing is measured with it.
const patience = 10 * time.Second

// newRig starts a server whose pool app has the given upstreams. edit may
// change the settings before.
func newRig(t testing.TB, edit func(*config.Config), upstreams ...string) *rig {
	t.Helper()
	return newRigWith(t, Options{}, edit, upstreams...)
}

// newRigWith is newRig with options that are filled in where they are empty.
func newRigWith(t testing.TB, o Options, edit func(*config.Config), upstreams ...string) *rig {
	t.Helper()
	cfg := config.Default()
	p := config.DefaultPool()
	for _, a := range upstreams {
		p.Upstreams = append(p.Upstreams, config.Upstream{Name: a, Address: a, Weight: 1})
	}
	p.Strategy = "round-robin"
	cfg.Pools = map[string]*config.Pool{"app": p}
	cfg.Server.Listeners = []config.Listener{{Name: "web", Address: "127.0.0.1:0", Protocol: "http", Pool: "app"}}
	if edit != nil {
		edit(cfg)
	}
	r := &rig{t: t, cfg: cfg, metrics: metrics.New(metrics.BuildInfo{}), pools: map[string]*pool.Pool{}, done: make(chan struct{})}
	r.logFile = filepath.Join(t.TempDir(), "access.log")
	cfg.Logging.Format = "json"
	cfg.Logging.Files = []config.LogFile{{Path: r.logFile}}
	l, err := logs.New(cfg.Logging, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range cfg.Pools {
		r.pools[name] = pool.New(name, c, nil)
	}
	o.Metrics, o.AccessLog, o.Log = r.metrics, l.AccessLog(cfg.Logging.AccessLog), l.Logger("proxy")
	o.Pools = func(name string) *pool.Pool { return r.pools[name] }
	r.server = New(o)
	if err := r.server.Apply(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		defer close(r.done)
		_ = r.server.Run(ctx)
	}()
	t.Cleanup(func() {
		r.server.StopFast()
		stop()
		<-r.done
		_ = l.Close()
	})
	return r
}

// dial opens a client's connection to the listener called web.
func (r *rig) dial() *peer {
	r.t.Helper()
	a := r.server.Address("web")
	nc, err := net.Dial(a.Network(), a.String())
	if err != nil {
		r.t.Fatal(err)
	}
	return newPeer(r.t, nc)
}

// ask sends raw on a new connection and returns the answer.
func (r *rig) ask(raw string) *reply {
	r.t.Helper()
	c := r.dial()
	c.send(raw)
	method, _, _ := strings.Cut(raw, " ")
	return c.reply(method)
}

// logged waits for a line of the access log that satisfies f.
func (r *rig) logged(f func(line map[string]any) bool) {
	r.t.Helper()
	var all []byte
	r.eventually("a line in the access log", func() bool {
		all, _ = os.ReadFile(r.logFile)
		for line := range bytes.Lines(all) {
			var v map[string]any
			if json.Unmarshal(line, &v) == nil && f(v) {
				return true
			}
		}
		return false
	}, func() string { return string(all) })
}

// loggedEnd waits for a request that ended so, with that status.
func (r *rig) loggedEnd(end string, status int) {
	r.t.Helper()
	r.logged(func(line map[string]any) bool { return line["end"] == end && line["status"] == float64(status) })
}

// eventually waits until f is true.
func (r *rig) eventually(what string, f func() bool, detail func() string) {
	r.t.Helper()
	eventually(r.t, what, f, detail)
}

func eventually(t testing.TB, what string, f func() bool, detail func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s := ""
			if detail != nil {
				s = detail()
			}
			t.Fatalf("waited in vain for %s\n%s", what, s)
		}
	}
}

// idle waits until no upstream has a request in hand.
func (r *rig) idle() {
	r.t.Helper()
	r.eventually("all leases to be given back", func() bool {
		for _, p := range r.pools {
			for _, u := range p.All() {
				if u.InFlight() != 0 {
					return false
				}
			}
		}
		return true
	}, nil)
}

// peer is one end of a connection in a test.
type peer struct {
	t  testing.TB
	nc net.Conn
	br *bufio.Reader

	upstream bool // the other side may have left
}

func newPeer(t testing.TB, nc net.Conn) *peer {
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(2 * patience))
	return &peer{t: t, nc: nc, br: bufio.NewReader(nc)}
}

func (p *peer) send(raw string) {
	p.t.Helper()
	if _, err := io.WriteString(p.nc, raw); err != nil && !p.upstream {
		p.t.Errorf("send: %v", err)
	}
}

// expect reads exactly want.
func (p *peer) expect(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.br, got)
	if err != nil || string(got) != want {
		p.t.Fatalf("read %q (%v), want %q", got[:n], err, want)
	}
}

// end expects that the connection ends without another byte.
func (p *peer) end() {
	p.t.Helper()
	rest, err := io.ReadAll(p.br)
	if len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("the connection should have ended; got %q, %v", rest, err)
	}
}

func (p *peer) close() { _ = p.nc.Close() }

func (p *peer) closeWrite() {
	p.t.Helper()
	if err := p.nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil && !p.upstream {
		p.t.Error(err)
	}
}

// head reads lines up to and with the empty one.
func (p *peer) head() string {
	p.t.Helper()
	var b strings.Builder
	for {
		line, err := p.br.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			p.t.Fatalf("read a head: %v after %q", err, b.String())
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// reply is an answer as net/http understands it.
type reply struct {
	*http.Response
	body string
	err  error // of reading the body
}

func (p *peer) reply(method string) *reply {
	p.t.Helper()
	resp, err := http.ReadResponse(p.br, &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("read the answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	return &reply{resp, string(body), err}
}

// upstream is a scripted server. Each connection is given to the script.
type upstream struct {
	t    *testing.T
	ln   net.Listener
	addr string
	wg   sync.WaitGroup

	mu    sync.Mutex
	conns int
	seen  []string // heads of the requests, as they came
}

func listen(t *testing.T, script func(u *upstream, p *peer)) *upstream {
	t.Helper()
	return listenOn(t, "tcp", "127.0.0.1:0", script)
}

func listenOn(t *testing.T, network, address string, script func(u *upstream, p *peer)) *upstream {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{t: t, ln: ln, addr: ln.Addr().String()}
	u.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			u.mu.Lock()
			u.conns++
			u.mu.Unlock()
			p := newPeer(t, nc)
			p.upstream = true
			u.wg.Go(func() {
				defer p.close()
				script(u, p)
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close() })
	return u
}

// request reads one request with its body and notes its head; false at the end
// of the connection.
func (u *upstream) request(p *peer) (head, body string, ok bool) {
	var raw bytes.Buffer
	for {
		line, err := p.br.ReadString('\n')
		raw.WriteString(line)
		if err != nil {
			return "", "", false
		}
		if line == "\r\n" {
			break
		}
	}
	u.mu.Lock()
	u.seen = append(u.seen, raw.String())
	u.mu.Unlock()
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw.Bytes())))
	if err != nil {
		u.t.Errorf("the upstream was sent %q: %v", raw.String(), err)
		return "", "", false
	}
	if len(req.TransferEncoding) > 0 {
		body, ok = readChunks(p.br)
		return raw.String(), body, ok
	}
	b := make([]byte, req.ContentLength)
	_, err = io.ReadFull(p.br, b)
	return raw.String(), string(b), err == nil
}

// readChunks reads a body in chunks with its trailer; the raw lines of the
// trailer are appended to it behind a bar.
func readChunks(br *bufio.Reader) (string, bool) {
	var body strings.Builder
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return "", false
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 31)
		if err != nil {
			return "", false
		}
		if n == 0 {
			break
		}
		if _, err := io.CopyN(&body, br, int64(n)); err != nil {
			return "", false
		}
		if end, err := br.ReadString('\n'); err != nil || end != "\r\n" {
			return "", false
		}
	}
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return "", false
		}
		if line == "\r\n" {
			return body.String(), true
		}
		body.WriteString("|" + strings.TrimSuffix(line, "\r\n"))
	}
}

func (u *upstream) last() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.seen) == 0 {
		return ""
	}
	return u.seen[len(u.seen)-1]
}

func (u *upstream) requests() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.seen)
}

// answering is an upstream that gives the same answer to every request.
func answering(t *testing.T, raw string) *upstream {
	return listen(t, func(u *upstream, p *peer) {
		for {
			if _, _, ok := u.request(p); !ok {
				return
			}
			p.send(raw)
		}
	})
}

func plain(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

func itoa(n int) string { return strconv.Itoa(n) }
