package proxy

import (
	"io"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/config"
)

// A client that leaves ends its request upstream, and nobody is blamed.
func TestGone_WhileTheUpstreamThinks(t *testing.T) {
	ended := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		u.request(p)
		_, _ = io.Copy(io.Discard, p.br)
		close(ended)
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send(get)
	r.eventually("the request upstream", func() bool { return up.requests() == 1 }, nil)
	c.close()
	<-ended
	r.loggedEnd("client-closed", 499)
	r.idle()
	if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
		t.Error("the upstream is blamed")
	}
}

func TestGone_WhileEventsAreQuiet(t *testing.T) {
	ended := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		u.request(p)
		p.send("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
		_, _ = io.Copy(io.Discard, p.br)
		close(ended)
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send(get)
	c.head()
	c.close()
	<-ended
	r.loggedEnd("client-closed", 200)
	r.idle()
}

func TestGone_WhileQueued(t *testing.T) {
	r := newRig(t, nil)
	r.pools["app"].SetExpecting(true)
	c := r.dial()
	c.send(get)
	r.eventually("the request to queue", func() bool { return r.pools["app"].QueueLength() == 1 }, nil)
	c.close()
	r.eventually("its place to become free", func() bool { return r.pools["app"].QueueLength() == 0 }, nil)
	r.loggedEnd("client-closed", 499)
}

func TestGone_WhileItUploads(t *testing.T) {
	ended := make(chan struct{})
	up := listen(t, func(u *upstream, p *peer) {
		p.head()
		_, _ = io.Copy(io.Discard, p.br)
		close(ended)
	})
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nsome")
	r.eventually("the request upstream", func() bool { return r.pools["app"].All()[0].InFlight() == 1 }, nil)
	c.close()
	<-ended
	r.loggedEnd("client-closed", 499)
	r.idle()
	if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
		t.Error("the upstream is blamed")
	}
}

func TestGone_WhileItDoesNotRead(t *testing.T) {
	up := answering(t, plain(strings.Repeat("x", 50<<20)))
	r := newRig(t, func(c *config.Config) { c.Server.Timeouts.ResponseWriteIdle = config.Duration(100e6) }, up.addr)
	c := r.dial()
	c.send(get)
	r.loggedEnd("client-timeout", 200)
	r.idle()
	if u := r.pools["app"].All()[0]; u.ErrorRate() != 0 {
		t.Error("the upstream is blamed")
	}
	_ = c
}
