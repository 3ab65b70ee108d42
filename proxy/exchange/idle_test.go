package exchange

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// fakeConn is an idle connection that the upstream closes after holds.
type fakeConn struct {
	stack  *idleStack[*fakeConn]
	since  time.Duration
	holds  time.Duration // 0: for ever
	closed time.Duration

	isClosed bool
}

func (c *fakeConn) idleSince() time.Duration { return c.since }
func (c *fakeConn) quiet() bool              { return c.holds == 0 || c.stack.now()-c.since < c.holds }
func (c *fakeConn) close()                   { c.closed, c.isClosed = c.stack.now(), true }

func newStack() *idleStack[*fakeConn] {
	s := &idleStack[*fakeConn]{max: 3}
	s.clock = clock{time.Now()}
	s.keep.limit.Store(int64(defaultIdle))
	return s
}

func (s *idleStack[C]) put(holds time.Duration) *fakeConn {
	f := any(s).(*idleStack[*fakeConn])
	c := &fakeConn{stack: f, since: s.now(), holds: holds}
	f.push(c)
	return c
}

func TestIdleStack_GivesTheLastUsedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack()
		a, b := s.put(0), s.put(0)
		for _, want := range []*fakeConn{b, a} {
			if got, ok := s.pop(s.now()); !ok || got != want {
				t.Error("wrong order")
			}
		}
		if _, ok := s.pop(s.now()); ok {
			t.Error("one too many")
		}
	})
}

func TestIdleStack_ClosesTheOldestWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack()
		first := s.put(0)
		rest := []*fakeConn{s.put(0), s.put(0), s.put(0)}
		if !slices.Equal(s.conns, rest) || s.max != len(rest) || !first.isClosed {
			t.Error("wrong ones kept")
		}
		s.close()
	})
}

func TestIdleStack_ClosesOldConnectionsAndItsTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack()
		s.keep.tell(5 * time.Second) // so that none is watched
		c := s.put(0)
		time.Sleep(3900 * time.Millisecond)
		d := s.put(0)
		time.Sleep(200 * time.Millisecond)
		got, ok := s.pop(s.now())
		if !ok || got != d {
			t.Error("the young one was not given")
		}
		if _, ok := s.pop(s.now()); ok {
			t.Error("an old one was given")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if c.closed < 4*time.Second || c.closed > 5100*time.Millisecond || s.timer != nil {
			t.Errorf("closed after %v, timer %v", c.closed, s.timer)
		}
	})
}

func TestIdleStack_LearnsHowLongTheUpstreamHolds(t *testing.T) {
	f := func(holds, least, most time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s := newStack()
			defer s.close()
			for range 3 {
				s.put(holds)
				time.Sleep(2 * time.Minute)
			}
			synctest.Wait()
			if got := s.keep.idle(); got < least || got > most {
				t.Errorf("upstream holds %v: kept %v", holds, got)
			}
			if s.watched != nil || len(s.conns) != 0 {
				t.Error("some are kept for ever")
			}
		})
	}
	f(5*time.Second, defaultIdle, defaultIdle)
	f(20*time.Second, 17*time.Second, 19*time.Second)
	f(75*time.Second, maxIdle, maxIdle)
	f(0, maxIdle, maxIdle)
}

func TestKeepAlive_BelievesTheUpstream(t *testing.T) {
	f := func(value string, want time.Duration) {
		t.Helper()
		var k keepAlive
		k.limit.Store(int64(defaultIdle))
		if d := holdTime([]byte(value)); d != 0 {
			k.tell(d)
		}
		k.held(30 * time.Second)
		if want == 0 {
			want = 29 * time.Second // nothing was said, so what was seen counts
		}
		if got := k.idle(); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
	f("timeout=5", 4*time.Second)
	f("max=100, Timeout=10", 9*time.Second)
	f("timeout=1", 500*time.Millisecond)
	f("timeout=86400", maxIdle)
	f("timeout=99999999999999999999", 0)
	f("timeout=x", 0)
	f("max=5", 0)
}

func TestKeepAlive_LearnsFromAConnectionFoundClosed(t *testing.T) {
	var k keepAlive
	k.limit.Store(int64(defaultIdle))
	k.dropped(2 * time.Second)
	if got := k.idle(); got != 1500*time.Millisecond {
		t.Errorf("%v", got)
	}
	k.dropped(time.Millisecond)
	if got := k.idle(); got != minIdle {
		t.Errorf("%v", got)
	}
}

func TestClient_UsesTheHoldTimeOfTheUpstream(t *testing.T) {
	u := serve(t, "tcp", answer("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=30\r\nContent-Length: 0\r\n\r\n"))
	c := u.client(t)
	wants(t, must(t, c, plain()), 200, "")
	if got := c.idle.keep.idle(); got != 29*time.Second {
		t.Errorf("%v", got)
	}
}

func TestClient_ClosesIdleConnections(t *testing.T) {
	closed := make(chan string, 1)
	u := serve(t, "tcp", func(p *peer) {
		p.head()
		p.say(okEmpty)
		closed <- p.gone()
	})
	c := u.client(t)
	wants(t, must(t, c, plain()), 200, "")
	_ = c.Close()
	<-closed
	wants(t, must(t, c, plain()), 200, "") // a late exchange works, its connection is not kept
	<-closed
}
