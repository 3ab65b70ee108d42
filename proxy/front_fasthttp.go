package proxy

import (
	"sync"
	"time"
)

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
	timeouts := c.listener.table.Load().timeouts
	wait := timeouts.requestHeader
	for now := time.Now(); ; now = time.Now() {
		br, err := c.await(now, wait)
		if err != nil {
			return // closed, or nothing was asked for too long: there is nobody to tell
		}
		if !c.busy() {
			f.server.readers.give(br)
			return
		}
		h, _ := f.free.Get().(*h1) // the pool holds nothing else
		h.c, h.br = c, br
		c.onRead = h.beforeRead
		again := h.serve()
		if h.broken {
			return
		}
		f.server.readers.give(h.br)
		c.onRead, h.c, h.br, h.t = nil, nil, nil, nil
		f.free.Put(h)
		if !again || !c.state.CompareAndSwap(connBusy, connIdle) || c.listener.leaving() {
			return
		}
		wait = c.listener.table.Load().timeouts.keepAlive
	}
}
