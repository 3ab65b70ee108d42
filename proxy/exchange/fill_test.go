package exchange

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

func TestResponse_FillMovesALargeBody(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 256<<10) // 4 MB
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n" + large)
			p.gone()
		})
		var pipes Pipes
		p := pipes.Take()
		if p == nil {
			workertest.Lack(t, "this system has no pipe to splice through")
		}
		defer pipes.Give(p)
		a, b := tcpPair(t)
		read := drain(b)
		raw, err := a.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		c := u.client(t)
		r := must(t, c, plain())
		total := 0
		for first := make([]byte, 1000); !r.Fillable(); { // what came with the head
			n, err := r.Read(first)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = a.Write(first[:n])
			total += n
		}
		for {
			n, err := r.Fill(p)
			if errors.Is(err, io.EOF) {
				break
			}
			if k, werr := p.Empty(raw); err != nil || werr != nil || k != n {
				t.Fatal(n, k, err, werr)
			}
			total += n
		}
		_ = a.Close()
		if got := <-read; total != len(large) || string(got) != large {
			t.Errorf("%d of %d bytes, said %d", len(got), len(large), total)
		}
		_ = r.Close()
		if k := kept(c); k != 1 {
			t.Errorf("%d connections kept", k)
		}
	})
}

func TestPipe_KeepsWhatAWriterHasNoTimeFor(t *testing.T) {
	const size = 8 << 20
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n" + strings.Repeat("x", size))
		p.gone()
	})
	var pipes Pipes
	p := pipes.Take()
	if p == nil {
		workertest.Lack(t, "this system has no pipe to splice through")
	}
	defer pipes.Give(p)
	a, b := tcpPair(t)
	raw, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	r := must(t, u.client(t), plain())
	defer r.Close()
	filled, moved := 0, 0
	var drained <-chan []byte
	empty := func(raw syscall.RawConn) error {
		n, err := p.Empty(raw)
		moved += n
		return err
	}
	first := make([]byte, largeSize)
	for !r.Fillable() {
		n, _ := r.Read(first)
		_, _ = a.Write(first[:n])
		filled, moved = filled+n, moved+n
	}
	for {
		n, err := r.Fill(p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		filled += n
		_ = a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		for err = empty(raw); err != nil; err = empty(raw) {
			if !timedOut(err) {
				t.Fatal(err)
			}
			if drained == nil { // nobody read: it was late, and what was late is still there
				drained = drain(b)
			}
			_ = a.SetWriteDeadline(time.Now().Add(time.Second))
		}
	}
	_ = a.Close()
	if drained == nil {
		t.Skip("the sockets took it all")
	}
	if got := <-drained; filled != size || moved != size || len(got) != size {
		t.Errorf("filled %d, moved %d, arrived %d of %d", filled, moved, len(got), size)
	}
}

func TestPipe_FillAndEmptyAllocateNothing(t *testing.T) {
	var pipes Pipes
	p := pipes.Take()
	if p == nil {
		workertest.Lack(t, "this system has no pipe to splice through")
	}
	defer pipes.Give(p)
	a, b := tcpPair(t)
	from, err := b.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	msg := make([]byte, 1000)
	allocs := testing.AllocsPerRun(200, func() {
		_, _ = a.Write(msg)
		if n, err := p.fill(from, 1000); n == 0 || err != nil {
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
