package exchange

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// promptly runs f, which must return well before any timeout.
func promptly(t *testing.T, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestCancel_EndsAWaitForTheResponse(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		for _, say := range []string{"", "HTTP/1.1 200 OK\r\nX-A:", "HTTP/1.1 103 Early Hints\r\n\r\n"} {
			asked := make(chan bool, 1)
			closed := make(chan bool)
			u := serve(t, network, func(p *peer) {
				defer close(closed)
				p.head()
				p.say(say)
				asked <- true
				p.gone()
			})
			var cancel Cancel
			req := plain()
			req.Cancel = &cancel
			go func() { <-asked; cancel.Fire(); cancel.Fire() }()
			promptly(t, func() { fails(t, u.client(t), req, Canceled) })
			<-closed
			<-cancel.Done()
		}
	})
}

func TestCancel_EndsABody(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		for _, head := range []string{"Content-Length: 300000\r\n", "Transfer-Encoding: chunked\r\n", ""} {
			u := serve(t, network, func(p *peer) {
				p.head()
				p.say("HTTP/1.1 200 OK\r\n" + head + "\r\n")
				p.gone()
			})
			read := func(r *Response) error { _, err := readAll(r); return err }
			passes := []func(r *Response) error{read}
			if strings.HasPrefix(head, "C") {
				p := aPipe(t)
				passes = append(passes, func(r *Response) error { _, err := r.Fill(p); return err })
			}
			for _, pass := range passes {
				var cancel Cancel
				req := plain()
				req.Cancel = &cancel
				r := must(t, u.client(t), req)
				go cancel.Fire()
				promptly(t, func() {
					if err := pass(r); KindOf(err) != Canceled {
						t.Errorf("%q: %v", head, err)
					}
				})
				_ = r.Close()
			}
		}
	})
}

func TestCancel_EndsAnUpload(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		release := make(chan bool)
		u := serve(t, network, func(p *peer) { <-release })
		for _, give := range []func(b *pipeBody){
			func(*pipeBody) {}, // waits for the client
			func(b *pipeBody) { b.give(strings.Repeat("a", 64<<20)) }, // waits for the upstream
		} {
			var cancel Cancel
			body := streamed()
			req := post(body, 64<<20)
			req.Cancel = &cancel
			go give(body)
			go cancel.Fire()
			promptly(t, func() { fails(t, u.client(t), req, Canceled) })
			_ = body.Close()
		}
		close(release)
	})
}

func TestCancel_EndsADial(t *testing.T) {
	// A listener whose queue is full: the kernel drops further handshakes.
	l, full := fullListener(t)
	defer l.Close()
	for range 2 {
		var cancel Cancel
		req := plain()
		req.Cancel = &cancel
		go cancel.Fire()
		promptly(t, func() {
			if unsent := fails(t, NewClient("unix", full, Options{}), req, Canceled); !unsent {
				t.Error("not said to be unsent")
			}
		})
	}
}

func TestCancel_FiredBeforeEndsEveryExchange(t *testing.T) {
	u := serve(t, "tcp", answer(okEmpty))
	c := u.client(t)
	var cancel Cancel
	req := plain()
	req.Cancel = &cancel
	wants(t, must(t, c, req), 200, "")
	cancel.Fire()
	if unsent := fails(t, c, req, Canceled); !unsent || !cancel.Fired() {
		t.Error("not said to be unsent")
	}
	select {
	case <-cancel.Done():
	default:
		t.Error("Done is open")
	}
	cancel.Reset()
	if cancel.Fired() {
		t.Error("fired after Reset")
	}
	wants(t, must(t, c, req), 200, "")
}

func TestCancel_NeverTouchesAConnectionThatWentOn(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		u := serve(t, network, answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		c := u.client(t)
		var fires sync.WaitGroup
		for range 500 {
			// Fired about when the exchange ends, so that it may or may not be in time.
			cancel := new(Cancel)
			req := plain()
			req.Cancel = cancel
			fires.Go(cancel.Fire)
			r := new(Response)
			switch err := c.Do(req, r); {
			case err == nil:
				_ = r.Close()
			case KindOf(err) != Canceled:
				t.Fatal(err)
			}
			// The next one has the connection, and nobody cancels it.
			wants(t, must(t, c, plain()), 200, "ok")
		}
		fires.Wait()
	})
}

// tcpPair is a connection and its other end, which nobody reads.
func tcpPair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	y, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return x.(*net.TCPConn), y.(*net.TCPConn)
}
