package pool

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"
)

type closer struct{ closed atomic.Int32 }

func (c *closer) Close() error { c.closed.Add(1); return nil }

func TestAttachment_MadeOnceClosedAtRemoval(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	var made atomic.Int32
	create := func(*Upstream) io.Closer { made.Add(1); return &closer{} }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { u.Attachment(create) })
	}
	wg.Wait()
	c := u.Attachment(create).(*closer)
	if made.Load() != 1 || c.closed.Load() != 0 {
		t.Errorf("made %d times, closed %d times", made.Load(), c.closed.Load())
	}
	l := acquire(t, u) // in flight: the connection pool sees to it that it may finish
	p.Remove("a")
	if c.closed.Load() != 1 {
		t.Errorf("closed %d times at removal", c.closed.Load())
	}
	if u.Attachment(create) != c {
		t.Error("a lease that is out finds another attachment")
	}
	l.Release(Outcome{})
}

func TestAttachment_AfterRemovalIsClosedAtOnce(t *testing.T) {
	p := New("p", settings("a"), nil)
	u := p.Get("a")
	p.Remove("a")
	c := u.Attachment(func(*Upstream) io.Closer { return &closer{} }).(*closer)
	if c.closed.Load() != 1 {
		t.Errorf("closed %d times", c.closed.Load())
	}
}

func TestAttachment_RemovalWhileItIsMade(t *testing.T) {
	for range 100 {
		p := New("p", settings("a"), nil)
		u := p.Get("a")
		var c *closer
		var wg sync.WaitGroup
		wg.Go(func() { c = u.Attachment(func(*Upstream) io.Closer { return &closer{} }).(*closer) })
		wg.Go(func() { p.Remove("a") })
		wg.Wait()
		if c.closed.Load() != 1 {
			t.Fatalf("closed %d times", c.closed.Load())
		}
	}
}
