package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// client keeps HTTP/1.1 connections to one address. It sends each request once: Go's own client sends
// again what failed on a connection it had used before, and would hide what these tests look for.
type client struct {
	address string
	mu      sync.Mutex
	idle    []*clientConn
}

type clientConn struct {
	net.Conn
	r *bufio.Reader
}

// answer is a complete response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request on an idle connection, or a new one when none is idle.
func (c *client) do(method, path, body string, header ...string) (*answer, error) {
	conn, err := c.take()
	if err != nil {
		return nil, err
	}
	got, keep, err := conn.exchange(c.address, method, path, body, header)
	if err == nil && keep {
		c.mu.Lock()
		c.idle = append(c.idle, conn)
		c.mu.Unlock()
		return got, nil
	}
	_ = conn.Close()
	return got, err
}

// once is do on a connection that is closed afterwards.
func (c *client) once(method, path, body string, header ...string) (*answer, error) {
	conn, err := c.dial()
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	got, _, err := conn.exchange(c.address, method, path, body, header)
	return got, err
}

// take returns an idle connection that the server has not closed, as clients do that watch theirs.
func (c *client) take() (*clientConn, error) {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return c.dial()
		}
		conn := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if !conn.closed() {
			return conn, nil
		}
		_ = conn.Close() // the server has
	}
}

// closed reports whether the server has closed a connection that waits.
func (c *clientConn) closed() bool {
	raw, err := c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	var n int
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, _, failed = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	return err != nil || n == 0 && failed == nil || failed != nil && !errors.Is(failed, syscall.EAGAIN)
}

func (c *client) dial() (*clientConn, error) {
	conn, err := net.DialTimeout("tcp", c.address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn, r: bufio.NewReader(conn)}, nil
}

// close ends the idle connections.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.idle {
		_ = conn.Close()
	}
	c.idle = nil
}

func (c *clientConn) exchange(host, method, path, body string, header []string) (*answer, bool, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, false, err
	}
	if _, err := io.WriteString(c, head(host, method, path, len(body), header)+body); err != nil {
		return nil, false, fmt.Errorf("write: %w", err)
	}
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("connection closed without an answer")
		}
		return nil, false, fmt.Errorf("read head: %w", err)
	}
	got := &answer{status: resp.StatusCode, header: resp.Header}
	got.body, err = io.ReadAll(resp.Body)
	if err != nil {
		return got, false, fmt.Errorf("read body after %d bytes: %w", len(got.body), err)
	}
	return got, !resp.Close, nil
}

func head(host, method, path string, length int, header []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, path)
	hasHost := false
	for _, line := range header {
		hasHost = hasHost || strings.HasPrefix(line, "Host:")
		b.WriteString(line + "\r\n")
	}
	if !hasHost {
		b.WriteString("Host: " + host + "\r\n")
	}
	if length > 0 || method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", length)
	}
	b.WriteString("\r\n")
	return b.String()
}
