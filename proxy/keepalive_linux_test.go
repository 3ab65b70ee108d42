package proxy

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestListener_AcceptedSocketsInheritKeepAlive(t *testing.T) {
	up := answering(t, plain("x"))
	r := newRig(t, nil, up.addr)
	c := r.dial()
	c.send(get)
	c.reply("GET")
	seen := 0
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	for _, l := range r.server.listeners {
		l.conns.each(func(c *conn) {
			seen++
			_ = c.raw.Control(func(fd uintptr) {
				f := func(level, option, want int) {
					t.Helper()
					if got, err := unix.GetsockoptInt(int(fd), level, option); got != want || err != nil {
						t.Errorf("option %d/%d is %d, %v; want %d", level, option, got, err, want)
					}
				}
				f(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
				f(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds)
				f(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds)
				f(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes)
				f(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			})
		})
	}
	if seen != 1 {
		t.Errorf("%d connections", seen)
	}
}
