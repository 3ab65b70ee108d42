package proxy

import (
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what sync.Pools hold outlives the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// streaming is many bodies at a time, one way, of which nobody takes more than
// the start until resume is closed.
type streaming struct {
	t      *testing.T
	piece  []byte // what a body is made of
	moved  atomic.Int64
	resume chan struct{}
}

const (
	streams    = 64
	streamSize = 4 << 20 // of data
	streamStep = 64 << 10
)

// write sends a body, and counts what the kernel has taken.
func (s *streaming) write(p *peer) {
	for range streamSize / streamStep {
		if _, err := p.nc.Write(s.piece); err != nil {
			s.t.Error(err)
			return
		}
		s.moved.Add(streamStep)
	}
}

// stuck brings all of them to where nothing moves, and returns what they have
// moved by then.
func (s *streaming) stuck(r *rig) (moved int64) {
	s.t.Helper()
	same := 0
	r.eventually("all to be stuck", func() bool {
		now := s.moved.Load()
		if inFlight(r) < streams || now == 0 || now != moved {
			moved, same = now, 0
			return false
		}
		same++
		return same > 50
	}, func() string { return itoa(int(inFlight(r))) + " in flight" })
	return moved
}

// Many large bodies at a time, which nobody takes for a while, cost a few
// buffers each and not what they are long.
func TestMemory_IsBoundedWhileBodiesStream(t *testing.T) {
	const most = 192 << 10 // for each, with both of its peers
	f := func(name, piece string, script func(s *streaming, p *peer), client func(s *streaming, c *peer)) {
		t.Helper()
		s := &streaming{t: t, piece: []byte(piece), resume: make(chan struct{})}
		// On Unix sockets, of which the kernel holds little on the way.
		dir := t.TempDir()
		listenOn(t, "unix", filepath.Join(dir, "up"), func(u *upstream, p *peer) {
			p.head()
			script(s, p)
		})
		r := newRig(t, func(c *config.Config) { c.Server.Listeners[0].Address = "unix:" + filepath.Join(dir, "web") }, "unix:"+filepath.Join(dir, "up"))
		before := heap()
		var all sync.WaitGroup
		for range streams {
			c := r.dial()
			all.Go(func() { client(s, c) })
		}
		moved := s.stuck(r)
		used := (heap() - before) / streams
		t.Logf("%s: %d KB for each; %d MB were on their way", name, used>>10, moved>>20)
		if used > most {
			t.Errorf("%s: %d KB for each of %d bodies of %d MB", name, used>>10, streams, streamSize>>20)
		}
		if moved > streams*streamSize/2 {
			t.Errorf("%s: %d of %d MB had gone through when memory was measured", name, moved>>20, streams*streamSize>>20)
		}
		close(s.resume)
		all.Wait()
		r.idle()
		r.counts(streams, "drover_requests_total", "code", "200")
	}

	data := strings.Repeat("x", streamStep)
	chunk := "10000\r\n" + data + "\r\n"
	down := func(head, end string) (func(s *streaming, p *peer), func(s *streaming, c *peer)) {
		return func(s *streaming, p *peer) {
				p.send(okHead + head)
				s.write(p)
				p.send(end)
				toldAtEnd(p)
			}, func(s *streaming, c *peer) {
				c.send(get)
				<-s.resume
				resp, err := http.ReadResponse(c.br, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if n, err := io.Copy(io.Discard, resp.Body); n != streamSize || err != nil {
					t.Errorf("%d bytes came down, %v", n, err)
				}
			}
	}
	up := func(head, end string, wire int64) (func(s *streaming, p *peer), func(s *streaming, c *peer)) {
		return func(s *streaming, p *peer) {
				<-s.resume
				if n, err := io.CopyN(io.Discard, p.br, wire); err != nil {
					t.Errorf("%d bytes went up, %v", n, err)
				}
				p.send(plain("done"))
				toldAtEnd(p)
			}, func(s *streaming, c *peer) {
				c.send("POST / HTTP/1.1\r\nHost: h\r\n" + head)
				s.write(c)
				c.send(end)
				c.want("done")
			}
	}
	sized := "Content-Length: " + itoa(streamSize) + "\r\n\r\n"
	const chunked, last = "Transfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n"
	script, client := down(sized, "")
	f("down, of known length", data, script, client)
	script, client = down(chunked, last)
	f("down, in chunks", chunk, script, client)
	script, client = up(sized, "", streamSize)
	f("up, of known length", data, script, client)
	script, client = up(chunked, last, streamSize)
	f("up, in chunks", chunk, script, client)
}
