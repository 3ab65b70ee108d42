package proxy

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
)

const (
	okHead      = "HTTP/1.1 200 OK\r\n"
	okChunked   = okHead + "Transfer-Encoding: chunked\r\n\r\n"
	evilAnswer  = okHead + "Content-Length: 4\r\n\r\nevil"
	firstGet    = "GET /first HTTP/1.1\r\nHost: h\r\n\r\n"
	secondGet   = "GET /second HTTP/1.1\r\nHost: h\r\n\r\n"
	idleForTest = 150 * time.Millisecond
)

// hostile is an upstream whose first connection follows the script; whatever
// else is asked on that one is a fault. The others answer with the target. played
// is closed at the end of the script.
func hostile(t *testing.T, script func(p *peer)) (u *upstream, played chan struct{}) {
	var conns atomic.Int32
	played = make(chan struct{})
	return listen(t, func(u *upstream, p *peer) {
		if conns.Add(1) == 1 {
			script(p)
			close(played)
			if rest, _ := io.ReadAll(p.br); len(rest) > 0 {
				t.Errorf("the connection was used again for %q", rest)
			}
			return
		}
		for {
			head, _, ok := u.request(p)
			if !ok {
				return
			}
			p.send(plain(strings.Fields(head)[1]))
		}
	}), played
}

// patient is what tests of hostile upstreams change in the settings: one
// attempt, nobody is ejected, and silence is noticed soon.
func patient(c *config.Config) {
	noRetry(c)
	p := c.Pools["app"]
	p.Outlier.Enabled, p.CircuitBreaker.Enabled = false, false
	p.Timeouts.FirstByte, p.Timeouts.ResponseIdle = config.Duration(idleForTest), config.Duration(idleForTest)
}

// Whatever an upstream does, its client is told the truth: an error in time, or
// an answer that is visibly short. The next request has its own answer.
func TestHostile_UpstreamsFoolNobody(t *testing.T) {
	const whole, short = false, true
	f := func(name string, script func(p *peer), status int, body string, cut bool, end string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up, played := hostile(t, script)
			r := newRig(t, patient, up.addr)
			c := r.dial()
			c.send(firstGet)
			got := c.reply("GET")
			for got.StatusCode < 200 {
				got = c.reply("GET")
			}
			if got.StatusCode != status || status == 200 && got.body != body || (got.err != nil) != cut {
				t.Errorf("answered %d %.200q, %v", got.StatusCode, got.body, got.err)
			}
			r.loggedEnd(end, status)
			if cut {
				c.end()
				c = r.dial()
			}
			<-played // what is to leak into the next answer is there
			c.send(secondGet)
			if next := c.reply("GET"); next.StatusCode != 200 || next.body != "/second" || next.err != nil {
				t.Errorf("the next was answered %d %.200q, %v", next.StatusCode, next.body, next.err)
			}
			r.idle()
		})
	}
	says := func(pieces ...string) func(p *peer) {
		return func(p *peer) {
			p.head()
			for i, s := range pieces {
				if i > 0 {
					time.Sleep(20 * time.Millisecond) // for the one before to be passed on
				}
				p.send(s)
			}
		}
	}
	closes := func(script func(p *peer)) func(p *peer) {
		return func(p *peer) {
			script(p)
			p.closeWrite()
		}
	}

	// Lengths.
	f("two answers", says(okHead+"Content-Length: 2\r\n\r\nab"+evilAnswer), 200, "ab", whole, "ok")
	f("two answers, one after the other", says(okHead+"Content-Length: 2\r\n\r\nab", evilAnswer), 200, "ab", whole, "ok")
	f("two answers in chunks", says(okChunked, "2\r\nab\r\n0\r\n\r\n"+evilAnswer), 200, "ab", whole, "ok")
	f("a body with 204", says("HTTP/1.1 204 No Content\r\n\r\n"+evilAnswer), 204, "", whole, "ok")
	f("a body with 304", says("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil"), 304, "", whole, "ok")
	f("more than announced", says(okHead+"Content-Length: 2\r\n\r\nabcd"), 200, "ab", whole, "ok")
	f("more than announced, later", says(okHead+"Content-Length: 4\r\n\r\nab", "cdef"), 200, "abcd", whole, "ok")
	f("less than announced", closes(says(okHead+"Content-Length: 10\r\n\r\nab")), 200, "ab", short, "truncated")
	f("less than announced, and it stays", says(okHead+"Content-Length: 10\r\n\r\nab"), 200, "ab", short, "upstream-timeout")
	f("two lengths", says(okHead+"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), 502, "", whole, "upstream-invalid")
	f("length and chunks", says(okHead+"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 502, "", whole, "upstream-invalid")
	f("length of more than 63 bits", says(okHead+"Content-Length: 9223372036854775808\r\n\r\n"), 502, "", whole, "upstream-invalid")

	// Chunks. What comes with the head is seen in time for a 502.
	f("chunks broken at once", says(okChunked+"zz\r\n"), 502, "", whole, "upstream-invalid")
	f("garbage between chunks", says(okChunked, "2\r\nab\r\n", "zz\r\n"), 200, "ab", short, "upstream-invalid")
	f("garbage behind a chunk's data", says(okChunked, "2\r\nabcd\r\n0\r\n\r\n"), 200, "ab", short, "upstream-invalid")
	f("an answer in place of a chunk", says(okChunked, "2\r\nab\r\n", evilAnswer), 200, "ab", short, "upstream-invalid")
	f("chunk size past 64 bits", says(okChunked, "2\r\nab\r\n", "10000000000000002\r\ncd\r\n"), 200, "ab", short, "upstream-invalid")
	f("chunk size with a bare LF", says(okChunked, "2\nab\r\n0\r\n\r\n"), 200, "", short, "upstream-invalid")
	f("garbage in the trailer", says(okChunked, "2\r\nab\r\n0\r\n", "\x00\r\n\r\n"), 200, "ab", short, "upstream-invalid")
	f("endless trailer", says(okChunked, "2\r\nab\r\n0\r\n", strings.Repeat("A: b\r\n", 10_000)), 200, "ab", short, "upstream-invalid")
	f("endless extension", says(okChunked, "2\r\nab\r\n", "1;"+strings.Repeat("a", 100_000)), 200, "ab", short, "upstream-invalid")
	f("close within a chunk", closes(says(okChunked, "5\r\nab")), 200, "ab", short, "truncated")
	f("close before the last chunk", closes(says(okChunked, "2\r\nab\r\n")), 200, "ab", short, "truncated")
	f("close within the trailer", closes(says(okChunked, "2\r\nab\r\n0\r\nA: b\r\n")), 200, "ab", short, "truncated")

	// Heads.
	f("garbage", says("\x00\x01\x02"), 502, "", whole, "upstream-invalid")
	f("another protocol", says("SSH-2.0-OpenSSH_9.2\r\n"), 502, "", whole, "upstream-invalid")
	f("HTTP/0.9", says("<html></html>"), 502, "", whole, "upstream-invalid")
	f("endless status line", says(okHead[:15]+strings.Repeat("a", 100_000)), 502, "", whole, "upstream-invalid")
	f("endless headers", says(okHead+strings.Repeat("A: b\r\n", 100_000)), 502, "", whole, "upstream-invalid")
	f("endless header", says(okHead+"A: "+strings.Repeat("b", 100_000)), 502, "", whole, "upstream-invalid")
	f("endless informational answers", says(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 1000)), 502, "", whole, "upstream-invalid")
	f("folded header", says(okHead+"A: b\r\n c\r\n\r\n"), 502, "", whole, "upstream-invalid")
	f("header with a NUL", says(okHead+"A: \x00\r\n\r\n"), 502, "", whole, "upstream-invalid")
	f("a head that stalls", says(okHead), 504, "", whole, "upstream-timeout")
	f("a head that stalls behind another", says("HTTP/1.1 102 Processing\r\n\r\n"), 504, "", whole, "upstream-timeout")
	f("a switch that nobody asked for", says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"+evilAnswer), 502, "", whole, "upstream-invalid")

	// Ends.
	f("close at once", func(p *peer) { p.close() }, 502, "", whole, "upstream-reset")
	f("silence", says(), 504, "", whole, "upstream-timeout")
	f("chunks that stall", says(okChunked, "2\r\nab\r\n"), 200, "ab", short, "upstream-timeout")
	f("a body until close that stalls", says(okHead+"\r\n", "ab"), 200, "ab", short, "upstream-timeout")
}

// A response that never ends is ended by timeouts.total, and visibly so.
func TestHostile_AnAnswerWithoutEnd(t *testing.T) {
	up, _ := hostile(t, func(p *peer) {
		p.head()
		p.send(okChunked)
		for {
			if _, err := io.WriteString(p.nc, "2\r\nab\r\n"); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	r := newRig(t, func(c *config.Config) {
		patient(c)
		c.Routes = []config.Route{{Match: config.Match{Path: "/"}, Pool: "app",
			Timeouts: config.RouteTimeouts{Total: config.Duration(2 * idleForTest)}}}
	}, up.addr)
	c := r.dial()
	c.send(firstGet)
	if got := c.reply("GET"); got.StatusCode != 200 || got.err == nil || !strings.HasPrefix(got.body, "abab") {
		t.Errorf("%d %.100q %v", got.StatusCode, got.body, got.err)
	}
	r.loggedEnd("upstream-timeout", 200)
	if got := r.ask(secondGet); got.body != "/second" {
		t.Errorf("%+v", got)
	}
}

// An answer may end at any byte: before its head is complete the client is told
// so, afterwards it sees that the body is short.
func TestHostile_AnAnswerMayEndAtAnyByte(t *testing.T) {
	var at atomic.Int32
	var answer atomic.Value
	up := listen(t, func(u *upstream, p *peer) {
		if _, _, ok := u.request(p); ok {
			p.send(answer.Load().(string)[:at.Load()]) // then the connection ends
		}
	})
	r := newRig(t, patient, up.addr)
	f := func(raw string, body string) {
		t.Helper()
		answer.Store(raw)
		head := strings.Index(raw, "\r\n\r\n") + 4
		for i := range len(raw) {
			at.Store(int32(i))
			got := r.ask(firstGet)
			switch {
			case i < head && (got.StatusCode != 502 || got.err != nil):
				t.Errorf("%q: %d %q %v", raw[:i], got.StatusCode, got.body, got.err)
			case i >= head && (got.StatusCode != 200 || got.err == nil || !strings.HasPrefix(body, got.body)):
				t.Errorf("%q: %d %q %v", raw[:i], got.StatusCode, got.body, got.err)
			}
		}
		at.Store(int32(len(raw)))
		if got := r.ask(firstGet); got.StatusCode != 200 || got.err != nil || got.body != body {
			t.Errorf("%q: %d %q %v", raw, got.StatusCode, got.body, got.err)
		}
	}
	f(okHead+"Content-Length: 5\r\n\r\nhello", "hello")
	f(okChunked+"5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nA: b\r\n\r\n", "hello!")
	r.idle()
}

// A reset is no end: not even of a body that ends with the connection.
func TestHostile_AResetIsNoEnd(t *testing.T) {
	f := func(head, body string) {
		t.Helper()
		passed := make(chan struct{})
		up, _ := hostile(t, func(p *peer) {
			p.head()
			p.send(head + body)
			<-passed // a reset overtakes what was sent
			_ = p.nc.(*net.TCPConn).SetLinger(0)
			p.close()
		})
		r := newRig(t, patient, up.addr)
		c := r.dial()
		c.send(firstGet)
		c.head()
		for b := byte(0); b != 'b'; { // the end of the body, whatever its framing
			var err error
			if b, err = c.br.ReadByte(); err != nil {
				t.Fatal(err)
			}
		}
		close(passed)
		rest, _ := io.ReadAll(c.br)
		if strings.Contains(string(rest), "0\r\n\r\n") {
			t.Errorf("%q: the client was told that the body is complete", head)
		}
		r.loggedEnd("truncated", 200)
	}
	f(okHead+"\r\n", "ab")
	f(okHead+"Content-Length: 5\r\n\r\n", "ab")
	f(okChunked, "2\r\nab\r\n")
}
