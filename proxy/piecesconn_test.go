package proxy

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// piecesConn is a client's connection in memory, as the server has it: all that
// the client sends has been sent, in pieces as Read gives them, and then it has
// closed its half. Nothing on it ever waits.
type piecesConn struct {
	mu     sync.Mutex
	pieces []string
	answer bytes.Buffer
	readBy time.Time
	mute   bool // nothing is written any more
	shut   bool
}

func (c *piecesConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.shut:
		return 0, net.ErrClosed
	case !c.readBy.IsZero() && time.Until(c.readBy) <= 0:
		return 0, os.ErrDeadlineExceeded
	}
	for len(c.pieces) > 0 {
		n := copy(p, c.pieces[0])
		if c.pieces[0] = c.pieces[0][n:]; c.pieces[0] == "" {
			c.pieces = c.pieces[1:]
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

func (c *piecesConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut || c.mute {
		return 0, net.ErrClosed
	}
	return c.answer.Write(p)
}

func (c *piecesConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = true
	return nil
}

func (c *piecesConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return net.ErrClosed
	}
	c.shut = true
	return nil
}

func (c *piecesConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	return nil
}

func (c *piecesConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *piecesConn) SetWriteDeadline(time.Time) error { return nil }

func (c *piecesConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (c *piecesConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}
}

// piecesThrough has a client that is in memory send pieces. It is served by this
// goroutine, so that a panic is seen and the end certain.
func (r *corpusRig) piecesThrough(t testing.TB, pieces []string) relayed {
	t.Helper()
	return r.recorded(t, func() []byte {
		c := &piecesConn{pieces: pieces}
		r.server.front.serve(newConn(c, r.listener))
		return c.answer.Bytes()
	})
}
