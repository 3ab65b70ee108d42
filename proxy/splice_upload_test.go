package proxy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// summing is an upstream that answers each request with a hash of its body, which
// it reads through slow.
func summing(t *testing.T, network, address string, length int, slow func(io.Reader) io.Reader) *upstream {
	return listenOn(t, network, address, func(u *upstream, p *peer) {
		for {
			if p.head() == "" {
				return
			}
			sum := sha256.New()
			if n, err := io.Copy(sum, slow(io.LimitReader(p.br, int64(length)))); n != int64(length) {
				t.Errorf("the upstream got %d of %d bytes, %v", n, length, err)
				return
			}
			p.send(plain(fmt.Sprintf("%x", sum.Sum(nil))))
			if _, err := p.br.Peek(1); err != nil {
				return
			}
		}
	})
}

func upload(path string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", path, length)
}

func TestSpliceUpload_LargeBodiesArriveWhole(t *testing.T) {
	body := noise(9<<20 + 77)
	want := fmt.Sprintf("%x", sha256.Sum256(body))
	fast := func(r io.Reader) io.Reader { return r }
	f := func(name, network, address string, piece int, slow func(io.Reader) io.Reader) {
		t.Helper()
		up := summing(t, network, address, len(body), slow)
		addr := up.addr
		if network == "unix" {
			addr = "unix:" + address
		}
		r := newRig(t, nil, addr)
		c := r.dial()
		for range 2 { // the connection goes on, and so does the upstream's
			c.send(upload("/", len(body)))
			for rest := body; len(rest) > 0; {
				n := min(piece, len(rest))
				if _, err := c.nc.Write(rest[:n]); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				rest = rest[n:]
			}
			if got := c.reply("POST"); got.body != want {
				t.Errorf("%s: answered %d %q, want %q", name, got.StatusCode, got.body, want)
			}
		}
		r.idle()
	}
	f("at once", "tcp", "127.0.0.1:0", len(body), fast)
	f("in pieces", "tcp", "127.0.0.1:0", 100_001, fast)
	f("to a Unix socket", "unix", filepath.Join(t.TempDir(), "s"), len(body), fast)
	f("slow upstream", "tcp", "127.0.0.1:0", len(body), func(r io.Reader) io.Reader {
		return &slowly{r: r, every: 1 << 20, pause: 5 * time.Millisecond}
	})
}

// A refusal in the middle of the upload reaches the client, and ends the upload.
func TestSpliceUpload_AnEarlyAnswerEndsIt(t *testing.T) {
	const length = 1 << 30
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		if _, err := io.CopyN(io.Discard, p.br, 3<<20); err != nil {
			t.Error(err)
		}
		p.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
		_, _ = io.Copy(io.Discard, p.br) // until drover closes
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send(upload("/", length))
	go func() {
		piece := noise(1 << 20)
		for {
			if _, err := c.nc.Write(piece); err != nil {
				return
			}
		}
	}()
	if got := c.reply("POST"); got.StatusCode != 403 || got.body != "no" || !got.Close {
		t.Errorf("answered %d %q, last: %v", got.StatusCode, got.body, got.Close)
	}
	r.idle()
}

// A client that leaves in the middle is to blame, not the upstream, which is told.
func TestSpliceUpload_AClientThatLeaves(t *testing.T) {
	for _, how := range []string{"closes", "resets", "stops"} {
		told := make(chan struct{})
		up := listen(t, func(u *upstream, p *peer) {
			defer close(told)
			p.head()
			_, _ = io.Copy(io.Discard, p.br)
		})
		r := newRig(t, func(c *config.Config) {
			if how == "stops" {
				c.Server.Timeouts.RequestBodyIdle = config.Duration(500 * time.Millisecond)
			}
		}, up.addr)
		c := r.dial()
		c.send(upload("/", 1<<30))
		if _, err := io.Copy(c.nc, bytes.NewReader(noise(3<<20))); err != nil {
			t.Fatal(err)
		}
		end, status := "client-closed", 499
		switch how {
		case "resets":
			_ = c.nc.(*net.TCPConn).SetLinger(0)
			c.close()
		case "closes":
			c.close()
		default:
			end, status = "client-timeout", 408
		}
		<-told
		r.loggedEnd(end, status)
		r.idle()
		if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
			t.Errorf("a client that %s: the upstream is blamed", how)
		}
	}
}

// An upstream that takes nothing more ends the exchange.
func TestSpliceUpload_AnUpstreamThatTakesNothing(t *testing.T) {
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		<-hold
	})
	r := newRig(t, func(c *config.Config) {
		c.Pools["app"].Timeouts.ResponseIdle = config.Duration(300 * time.Millisecond)
		c.Pools["app"].Timeouts.FirstByte = config.Duration(300 * time.Millisecond)
	}, up.addr)
	c := r.dial()
	c.send(upload("/", 1<<30))
	go func() { _, _ = io.Copy(c.nc, bytes.NewReader(noise(64<<20))) }()
	if got := c.reply("POST"); got.StatusCode != 504 {
		t.Errorf("answered %d", got.StatusCode)
	}
	r.loggedEnd("upstream-timeout", 504)
	r.idle()
}
