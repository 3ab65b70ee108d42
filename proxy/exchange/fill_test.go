package exchange

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

// aPipe is an empty pipe; the test fails or is skipped where there is none.
func aPipe(t testing.TB) *Pipe {
	t.Helper()
	var pipes Pipes
	p := pipes.Take()
	if p == nil {
		workertest.Lack(t, "this system has no pipe to splice through")
	}
	t.Cleanup(func() { pipes.Give(p) })
	return p
}

// pass gives all of a large body to w: what came with the head is read, the rest
// goes through the pipe.
func pass(r *Response, p *Pipe, w *net.TCPConn) (total int, err error) {
	raw, err := w.SyscallConn()
	if err != nil {
		return 0, err
	}
	for first := make([]byte, 1000); !r.Fillable(); {
		n, err := r.Read(first)
		if err != nil {
			return total, err
		}
		k, err := w.Write(first[:n])
		if total += k; err != nil {
			return total, err
		}
	}
	for {
		_, err := r.Fill(p)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := p.Empty(raw)
		if total += n; err != nil {
			return total, err
		}
	}
}

func TestResponse_FillMovesALargeBody(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 256<<10) // 4 MB
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n" + large)
			p.gone()
		})
		a, b := tcpPair(t)
		read := drain(b)
		c := u.client(t)
		r := must(t, c, plain())
		n, err := pass(r, aPipe(t), a)
		_ = a.Close()
		if got := <-read; n != len(large) || err != nil || string(got) != large {
			t.Errorf("%d of %d bytes, said %d, %v", len(got), len(large), n, err)
		}
		_ = r.Close()
		if k := kept(c); k != 1 {
			t.Errorf("%d connections kept", k)
		}
	})
}

func TestResponse_FillShowsTruncation(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		for _, reset := range []bool{false, true} {
			if reset && network == "unix" {
				continue // has no resets
			}
			a, b := tcpPair(t)
			defer a.Close()
			defer b.Close()
			first := make(chan bool)
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
				<-first
				p.say("abc")
				if reset {
					got := make([]byte, 3)
					_, _ = io.ReadFull(b, got) // through all of it, before the reset
					p.reset()
				}
			})
			r := must(t, u.client(t), plain())
			close(first)
			if n, err := pass(r, aPipe(t), a); n != 3 || KindOf(err) != Truncated {
				t.Errorf("reset %v: %d bytes, %v", reset, n, err)
			}
			if _, err := r.Read(make([]byte, 1)); KindOf(err) != Truncated {
				t.Errorf("then Read: %v", err)
			}
		}
	})
}

func TestResponse_FillHonoursIdle(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		const d = 300 * time.Millisecond
		measured := make(chan struct{})
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
			<-measured    // or the first pause would have begun before
			for range 3 { // slower than the timeout in all, but never idle for so long
				<-time.After(d / 2)
				p.say("abc")
			}
			p.gone()
		})
		a, b := tcpPair(t)
		defer a.Close()
		defer b.Close()
		req := plain()
		req.ResponseIdle = d
		r := must(t, u.client(t), req)
		lasts(t, d*5/2, func() {
			close(measured)
			if n, err := pass(r, aPipe(t), a); n != 9 || KindOf(err) != IdleTimeout {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	})
}

// A writer that is late finds in the pipe what it has not taken.
func TestPipe_KeepsWhatAWriterHasNoTimeFor(t *testing.T) {
	const size = 64 << 20 // more than two sockets take while nobody reads
	piece := strings.Repeat("x", 1<<20)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n")
		for range size >> 20 {
			p.say(piece)
		}
		p.gone()
	})
	p := aPipe(t)
	a, b := tcpPair(t)
	raw, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	r := must(t, u.client(t), plain())
	filled, moved := 0, 0
	for first := make([]byte, largeSize); !r.Fillable(); { // what came with the head
		n, err := r.Read(first)
		if err != nil {
			t.Fatal(err)
		}
		k, _ := a.Write(first[:n])
		filled, moved = filled+n, moved+k
	}
	arrived := make(chan int64, 1)
	late := false
	for {
		n, err := r.Fill(p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		filled += n
		for done := false; !done; {
			_ = a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			k, err := p.Empty(raw)
			moved += k
			switch {
			case err == nil:
				done = true
			case !timedOut(err):
				t.Fatal(err)
			case !late: // nobody read: it was late, and what was late is still there
				late = true
				go func() { n, _ := io.Copy(io.Discard, b); arrived <- n }()
			}
		}
	}
	_ = a.Close()
	if !late {
		t.Fatalf("the sockets took all of %d bytes", size)
	}
	if got := <-arrived; filled != size || moved != size || got != size {
		t.Errorf("filled %d, moved %d, arrived %d of %d", filled, moved, got, size)
	}
}

func TestPipe_FillAndEmptyAllocateNothing(t *testing.T) {
	p := aPipe(t)
	a, b := tcpPair(t)
	from, err := b.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	msg := make([]byte, 1000)
	allocs := testing.AllocsPerRun(200, func() {
		_, _ = a.Write(msg)
		if n, err := p.Fill(from, 1000); n == 0 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := p.Empty(from); err != nil { // back to where it came from
			t.Fatal(err)
		}
		_, _ = io.ReadFull(a, msg)
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
