package proxy

import "sync"

// fastFront serves HTTP/1.0 and 1.1 with fasthttp's request parser. The loop
// around it and the way back are ours: fasthttp.Server answers Expect before
// the upstream was asked, reads 8 KB of a body before its handler runs, holds
// back answers while requests are pipelined, and frames responses anew, none of
// which a proxy may do; and a connection that is idle here holds no buffers.
type fastFront struct {
	server *Server
	free   sync.Pool // of *h1
}

func newFastFront(s *Server) *fastFront {
	f := &fastFront{server: s}
	f.free.New = func() any { return newH1(s) }
	return f
}

// serve runs the connection until it ends.
func (f *fastFront) serve(c *conn) {
	v := &visit{front: f, c: c, wait: c.listener.table.Load().timeouts.requestHeader}
	v.step = v.attend
	for v.next() {
		again := v.h.serve()
		c.since.Store(0)
		if !v.leave(again) {
			return
		}
	}
}
