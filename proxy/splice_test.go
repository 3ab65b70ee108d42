package proxy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

// noise is a body in which no piece is like another.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

// sending is an upstream that answers each request with the head of a body of
// length bytes, then does what it wants to.
func sending(t *testing.T, length int, then func(p *peer)) *upstream {
	return listen(t, func(u *upstream, p *peer) {
		for {
			if _, _, ok := u.request(p); !ok {
				return
			}
			p.send("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(length) + "\r\n\r\n")
			then(p)
			if length < 0 {
				return
			}
		}
	})
}

func TestSplice_LargeBodiesArriveWhole(t *testing.T) {
	body := noise(9<<20 + 77)
	f := func(name string, write func(p *peer), read func(p *peer) io.Reader) {
		t.Helper()
		up := sending(t, len(body), write)
		r := newRig(t, nil, up.addr)
		c := r.dial()
		for range 2 { // the connection goes on, and so does the upstream's
			c.send(get)
			c.head()
			got := make([]byte, len(body))
			if _, err := io.ReadFull(read(c), got); err != nil || sha256.Sum256(got) != sha256.Sum256(body) {
				t.Errorf("%s: %v; the same: %v", name, err, bytes.Equal(got, body))
			}
		}
		up.mu.Lock()
		defer up.mu.Unlock()
		if up.conns != 1 {
			t.Errorf("%s: %d connections upstream", name, up.conns)
		}
	}
	all := func(p *peer) { p.send(string(body)) }
	bits := func(p *peer) {
		for rest := body; len(rest) > 0; {
			n := min(100_001, len(rest))
			p.send(string(rest[:n]))
			rest = rest[n:]
		}
	}
	plainly := func(p *peer) io.Reader { return p.br }
	f("at once", all, plainly)
	f("in pieces", bits, plainly)
	f("slow reader", all, func(p *peer) io.Reader { return &slowly{r: p.br, every: 1 << 20, pause: 5 * time.Millisecond} })
}

// slowly reads with a pause after so many bytes.
type slowly struct {
	r           io.Reader
	every, left int
	pause       time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.left <= 0 {
		time.Sleep(s.pause)
		s.left = s.every
	}
	n, err := s.r.Read(p[:min(len(p), 4096)])
	s.left -= n
	return n, err
}

// impatient ends clients that take nothing for d.
func impatient(d time.Duration) func(*config.Config) {
	return func(c *config.Config) { c.Server.Timeouts.ResponseWriteIdle = config.Duration(d) }
}

func TestSplice_ASlowClientGetsItAll(t *testing.T) {
	const idle = 500 * time.Millisecond
	body := noise(12 << 20)
	up := sending(t, len(body), func(p *peer) { p.send(string(body)) })
	r := newRig(t, impatient(idle), up.addr)
	c := r.dial()
	c.send(get)
	c.head()
	from := time.Now() // all of it takes longer than idle
	got, err := io.ReadAll(&slowly{r: io.LimitReader(c.br, int64(len(body))), every: 1 << 20, pause: idle / 8})
	if !bytes.Equal(got, body) {
		t.Errorf("%d bytes in %v, %v", len(got), time.Since(from), err)
	}
}

func TestSplice_AClientThatStopsIsEnded(t *testing.T) {
	up := sending(t, 1<<30, func(p *peer) {
		for piece := string(noise(1 << 20)); ; {
			if _, err := io.WriteString(p.nc, piece); err != nil {
				return
			}
		}
	})
	r := newRig(t, impatient(200*time.Millisecond), up.addr)
	c := r.dial()
	c.send(get)
	c.head()
	r.loggedEnd("client-timeout", 200)
	r.idle()
	if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
		t.Error("the upstream is blamed")
	}
}

func TestSplice_TruncationIsVisible(t *testing.T) {
	body := noise(4 << 20)
	f := func(name, end string, then func(p *peer)) {
		t.Helper()
		up := listen(t, func(u *upstream, p *peer) {
			u.request(p)
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + string(body))
			then(p)
		})
		r := newRig(t, func(c *config.Config) {
			c.Pools["app"].Timeouts.ResponseIdle = config.Duration(time.Second)
		}, up.addr)
		c := r.dial()
		c.send(get)
		c.head()
		got, err := io.ReadAll(c.br)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d of %d bytes, %v", name, len(got), len(body), err)
		}
		r.loggedEnd(end, 200)
		r.idle()
		if u := r.pools["app"].All()[0]; u.ErrorRate() == 0 {
			t.Errorf("%s: nobody is blamed", name)
		}
	}
	f("closed", "truncated", func(*peer) {})
	f("silent", "upstream-timeout", func(p *peer) { _, _ = io.Copy(io.Discard, p.br) })
}

func TestSplice_AClientThatGoesCancelsTheRequest(t *testing.T) {
	for _, while := range []string{"the upstream is silent", "the client's buffers are full"} {
		gone := make(chan struct{})
		up := sending(t, 1<<30, func(p *peer) {
			defer close(gone)
			piece := string(noise(1 << 20))
			if while != "the upstream is silent" {
				for {
					if _, err := io.WriteString(p.nc, piece); err != nil {
						return
					}
				}
			}
			p.send(piece)
			_, _ = io.Copy(io.Discard, p.br)
		})
		r := newRig(t, nil, up.addr)
		c := r.dial()
		c.send(get)
		c.expect(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", 1<<30))
		time.Sleep(20 * time.Millisecond)
		c.close()
		select {
		case <-gone:
		case <-time.After(patience):
			t.Fatalf("while %s: the upstream was not told", while)
		}
		r.loggedEnd("client-closed", 200)
		r.idle()
	}
}
