package ipc

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// linkPatience is how long a connection over the socket path may take to show its key.
	linkPatience = 5 * time.Second
	// maxStrangers bounds the connections that have not shown a key yet.
	maxStrangers = 64
	// maxHello bounds the first line of a connection, in bytes.
	maxHello = 4 << 10
)

// links is the Unix socket that workers connect to whose program did not
// inherit the channel. Each shows the key that its worker was given, once.
type links struct {
	hub       *Hub
	path      string
	listener  *net.UnixListener
	strangers chan struct{} // a place for each
	accepting sync.WaitGroup

	mu     sync.Mutex
	keys   map[string]*Endpoint
	open   map[net.Conn]struct{} // strangers
	closed bool
}

func listenLinks(h *Hub, path string) (*links, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("make the socket of messages: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("make the socket of messages: %w", err)
	}
	k := &links{hub: h, path: path, listener: l, strangers: make(chan struct{}, maxStrangers),
		keys: make(map[string]*Endpoint), open: make(map[net.Conn]struct{})}
	k.accepting.Go(k.accept)
	return k, nil
}

// newKey returns a key that nobody can guess.
func newKey() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func (k *links) expect(e *Endpoint) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[e.key] = e
}

func (k *links) forget(e *Endpoint) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, e.key)
}

// redeem returns the worker whose key this is, the first time. (A map finds a
// string by its hash, so the time it takes says nothing about keys.)
func (k *links) redeem(key string) *Endpoint {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.keys[key]
	delete(k.keys, key)
	return e
}

func (k *links) accept() {
	for {
		k.strangers <- struct{}{}
		c, err := k.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			<-k.strangers
			time.Sleep(10 * time.Millisecond) // no descriptors left, most likely
			continue
		}
		if !k.know(c) {
			_ = c.Close() // nothing was said
			return
		}
		k.accepting.Go(func() { k.greet(c) })
	}
}

func (k *links) know(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.open[c] = struct{}{}
	}
	return !k.closed
}

// greet reads the first frame of a connection, and gives it to its worker.
func (k *links) greet(c net.Conn) {
	defer func() {
		k.mu.Lock()
		delete(k.open, c)
		k.mu.Unlock()
		<-k.strangers
	}()
	_ = c.SetDeadline(time.Now().Add(linkPatience)) // a socket that fails does so when it is read, too
	in := newLines(maxHello)
	line, tooLong, ok := in.next()
	for !ok && !in.skipping {
		n, err := c.Read(in.space())
		if err != nil {
			_ = c.Close() // nobody is there
			return
		}
		in.took(n)
		line, tooLong, ok = in.next()
	}
	var p parser
	var f frame
	refusal := refuse(CodeKey, "the first frame is hello with the key of this worker, which works once")
	if !ok || tooLong || p.parse(line, &f) != nil || f.verb != "hello" {
		k.turnAway(c, 0, refusal)
		return
	}
	v, _ := verb("hello")
	if err := f.check(v); err != nil {
		k.turnAway(c, f.id, err)
		return
	}
	if err := checkVersion(&f); err != nil {
		k.turnAway(c, f.id, err)
		return
	}
	e := k.redeem(f.key)
	if e == nil {
		k.turnAway(c, f.id, refusal)
		return
	}
	_ = c.SetDeadline(time.Time{})
	in.limit = k.hub.options.lineLimit()
	e.adopt(c, in, &f)
}

func (k *links) turnAway(c net.Conn, id uint64, err *Error) {
	if id > 0 {
		b := append(appendError(append(appendHead(nil, "reply", id), `,"error":`...), err), "}\n"...)
		_, _ = c.Write(b) // it is closed next, whether it reads this or not
	}
	_ = c.Close()
}

// close ends the socket and the connections that have shown no key.
func (k *links) close() error {
	k.mu.Lock()
	k.closed = true
	for c := range k.open {
		_ = c.Close()
	}
	k.mu.Unlock()
	err := k.listener.Close() // removes the file
	// accept may wait for a place among the strangers; those are leaving.
	k.accepting.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// adopt makes a connection over the socket path the worker's channel.
func (e *Endpoint) adopt(c net.Conn, in *lines, hello *frame) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		_ = c.Close() // too late
		return
	}
	back := e.gone
	e.gone, e.link = false, c
	e.reading.Go(func() {
		defer func() { _ = c.Close() }() // only read
		own := c.(conn)                  // a Unix socket is one
		e.out.use(own)
		if back {
			e.hub.join(e)
		}
		e.welcome(hello, nil)
		e.serve(own, in, c)
	})
	e.mu.Unlock()
}
