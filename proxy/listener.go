package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
)

// listener is one open address and the connections that came in by it. It
// stays open over reloads as long as the settings name its address.
type listener struct {
	server  *Server
	network string
	address string
	ln      net.Listener
	table   atomic.Pointer[table]
	conns   connset

	closing atomic.Bool    // no new connections, and the open ones end with their request
	patient atomic.Bool    // while closing: a connection is not closed before its client was told
	accepts sync.WaitGroup // the accept loop
	served  sync.WaitGroup // connections
	leaves  atomic.Int32   // connections that were turned away and have not gone yet
}

// open opens a listener, or takes one that was handed to this process.
func (s *Server) open(cfg config.Listener) (*listener, error) {
	network, address := cfg.NetworkAddress()
	l := &listener{server: s, network: network, address: address}
	var err error
	if f := s.o.Inherited[network+":"+address]; f != nil {
		if l.ln, err = net.FileListener(f); err != nil {
			return nil, fmt.Errorf("listener %s: take over %s: %w", cfg.Name, cfg.Address, err)
		}
		return l, nil
	}
	if network == "unix" {
		if err := removeStale(address); err != nil {
			return nil, fmt.Errorf("listener %s: %w", cfg.Name, err)
		}
	}
	lc := listenConfig()
	if l.ln, err = lc.Listen(context.Background(), network, address); err != nil {
		return nil, fmt.Errorf("listener %s: %w", cfg.Name, listenProblem(cfg.Address, err))
	}
	return l, nil
}

// listenProblem says what can be done about an address that cannot be had.
func listenProblem(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that one (find it with: ss -ltnp) or choose another address: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s needs a right that drover does not have; choose a port above 1023, or give it CAP_NET_BIND_SERVICE: %w", address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine; use one that is, or leave the host empty for all: %w", address, err)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}

// removeStale removes a socket that a process left behind which is not there
// any more. A socket that somebody answers on, and anything that is no socket,
// stays where it is.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at %s: %w", path, err)
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s exists and is not a socket; remove it or choose another path", path)
	}
	nc, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = nc.Close() // only asked whether somebody is there
		return fmt.Errorf("unix:%s is in use by another program; stop that one or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("ask whether %s is in use: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the stale socket: %w", err)
	}
	return nil
}

// accept takes connections in until the listener is closed.
func (l *listener) accept() {
	pause := time.Duration(0)
	for {
		nc, err := l.ln.Accept()
		if err == nil {
			pause = 0
			l.admit(nc)
			continue
		}
		if l.closing.Load() || errors.Is(err, net.ErrClosed) {
			return
		}
		// Out of descriptors or memory: what is open goes on, and a pause keeps
		// the loop from eating the processor meanwhile.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		if errors.Is(err, syscall.EMFILE) {
			l.server.files.look() // there may be fewer than before
			l.server.tellScarceFiles()
		} else {
			l.server.log.Warn("a connection could not be accepted", zap.String("listener", l.table.Load().name), zap.Error(err), zap.Duration("pause", pause))
		}
		select {
		case <-time.After(pause):
		case <-l.server.stopped:
			return
		}
	}
}

// admit starts to serve a connection, or turns it away.
func (l *listener) admit(nc net.Conn) {
	t := l.table.Load()
	c := newConn(nc, l)
	if l.server.files.scarce(c.number(), &l.server.files.clients) {
		l.server.tellScarceFiles()
		l.turnAway(c, t, tooFewFiles)
		return
	}
	if reason := l.server.admission.enter(c.from, t.limits.connections, t.limits.perIP); reason != "" {
		l.turnAway(c, t, reason)
		return
	}
	c.metric = t.connection
	c.metric.Open()
	l.conns.add(c)
	l.served.Add(1)
	l.server.crew.do(c)
}

// turnAway tells a client that there are too many, if that can be done without waiting.
func (l *listener) turnAway(c *conn, t *table, reason string) {
	l.server.metrics.Rejected(reason)
	if t.protocol == protocolHTTP {
		const text = "too many connections\n"
		_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second)) // a new socket's buffer is empty anyway
		_, _ = c.nc.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n" +
			"Retry-After: " + retryAfter + "\r\nProxy-Status: drover; error=connection_limit_reached\r\nConnection: close\r\n\r\n" + text))
		// One that is given a moment keeps its descriptor meanwhile.
		if !l.server.files.scarce(c.number(), &l.server.files.upstreams) && l.farewell(c) {
			return
		}
	} else {
		l.server.metrics.ConnectionResult(t.name, poolName(t.own), reason)
		resetOnClose(c.socket) // nobody is to take it for an empty answer
	}
	_ = c.nc.Close()
}

const (
	maxFarewells  = 64
	farewellTime  = 500 * time.Millisecond
	farewellBytes = 64 << 10
)

// farewell gives a client that was turned away a moment to read why: closing a
// connection with a request in it unread resets it, and the answer is lost. It
// is given to so many at a time; false means that there are as many already.
func (l *listener) farewell(c *conn) bool {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	if l.leaves.Add(1) > maxFarewells {
		l.leaves.Add(-1)
		return false
	}
	l.served.Go(func() {
		defer l.leaves.Add(-1)
		defer func() { _ = c.nc.Close() }()
		if half.CloseWrite() != nil || c.nc.SetReadDeadline(time.Now().Add(farewellTime)) != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c.nc, farewellBytes) // until it has closed, too, or its time is up
	})
	return true
}

func poolName(t *target) string {
	if t == nil {
		return ""
	}
	return t.name
}

// run serves the connection to its end.
func (c *conn) run() { c.listener.serve(c) }

// serve runs one connection to its end.
func (l *listener) serve(c *conn) {
	defer l.served.Done()
	defer func() {
		if p := recover(); p != nil {
			l.server.panicked("connection to "+l.address, p)
		}
		c.close()
		c.metric.Close()
		l.server.admission.leave(c.from)
	}()
	if hook := l.server.o.Wrap; hook != nil {
		nc, err := hook(l.table.Load().name, c.nc)
		if err != nil {
			return // the hook has told the client what it could
		}
		c.speakTo(nc)
	}
	if l.table.Load().protocol == protocolTCP {
		l.server.relay.serve(c)
		return
	}
	l.server.front.serve(c)
}

// leaving reports whether connections are to end with the request they are at.
func (l *listener) leaving() bool { return l.closing.Load() }

// hostText is what stands in for a Host that an HTTP/1.0 client did not send.
func (l *listener) hostText() string {
	if l.network == "unix" {
		return "localhost"
	}
	return strings.TrimPrefix(l.ln.Addr().String(), "[::]")
}
