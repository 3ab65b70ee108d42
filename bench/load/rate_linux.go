package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// schedule says when each request is due.
type schedule struct {
	start    time.Time
	interval time.Duration
	count    int
}

func (s schedule) due(k int) time.Time { return s.start.Add(time.Duration(k) * s.interval) }

// loop is one thread that looks at the time and at its connections in turn. It never sleeps, since being
// woken takes longer than the answers that are to be timed; the backends, which share its core, run
// whenever it yields. Between the first request and the last it allocates nothing.
type loop struct {
	epoll     int
	conns     []*conn
	free      []*conn // the longest unused first
	request   []byte
	size      int64
	schedule  schedule
	sent      int
	latencies []time.Duration
}

// conn is one connection with room for one answer.
type conn struct {
	fd     int
	due    time.Time
	buffer []byte
	filled int
}

const answerRoom = 64 << 10

// answerTimeout bounds the wait for the answers to what was sent last.
const answerTimeout = 10 * time.Second

// runRate sends requests at a constant rate. The time of each counts from when it was due, also while no
// connection was free. What could not be sent before the end counts as having waited until then.
func runRate(o options) (report, error) {
	debug.SetGCPercent(-1)
	l, err := newLoop(o)
	if err != nil {
		return report{}, err
	}
	if err := l.run(); err != nil {
		return report{}, err
	}
	r := report{Requests: int64(len(l.latencies)), Bytes: int64(len(l.latencies)) * o.size, Elapsed: time.Since(l.schedule.start)}
	for ; l.sent < l.schedule.count; l.sent++ {
		l.latencies = append(l.latencies, time.Since(l.schedule.due(l.sent)))
	}
	slices.Sort(l.latencies)
	r.P50, r.P99, r.P999 = quantile(l.latencies, 0.5), quantile(l.latencies, 0.99), quantile(l.latencies, 0.999)
	return r, nil
}

func newLoop(o options) (*loop, error) {
	interval := time.Duration(float64(time.Second) / o.rate)
	l := &loop{size: o.size, schedule: schedule{interval: interval, count: int(o.length / interval)}}
	l.request = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", o.path, o.address)
	l.latencies = make([]time.Duration, 0, l.schedule.count)
	var err error
	if l.epoll, err = unix.EpollCreate1(0); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	address, err := netip.ParseAddrPort(o.address)
	if err != nil {
		return nil, err
	}
	for i := range o.connections {
		c, err := dial(address)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", address, err)
		}
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)} // its number, not its descriptor
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
			return nil, os.NewSyscallError("epoll_ctl", err)
		}
		l.conns = append(l.conns, c)
	}
	l.free = slices.Clone(l.conns)
	return l, nil
}

func dial(address netip.AddrPort) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return &conn{fd: fd, buffer: make([]byte, answerRoom)}, os.NewSyscallError("fcntl", unix.SetNonblock(fd, true))
}

// run ends when the time is over and what was sent is answered.
func (l *loop) run() error {
	l.schedule.start = time.Now()
	end := l.schedule.due(l.schedule.count)
	events := make([]unix.EpollEvent, len(l.conns))
	for {
		n, err := unix.EpollWait(l.epoll, events, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range events[:max(n, 0)] {
			if err := l.receive(l.conns[e.Fd]); err != nil {
				return err
			}
		}
		switch now := time.Now(); {
		case now.Before(end):
			if err := l.send(now); err != nil {
				return err
			}
		case len(l.free) == len(l.conns):
			return nil
		case now.After(end.Add(answerTimeout)):
			return fmt.Errorf("%d requests were not answered within %s", len(l.conns)-len(l.free), answerTimeout)
		}
		yield()
	}
}

// yield lets others of this core run; on Linux sched_yield(2) always succeeds.
func yield() { _, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// send puts what is due on free connections.
func (l *loop) send(now time.Time) error {
	for len(l.free) > 0 && l.sent < l.schedule.count {
		due := l.schedule.due(l.sent)
		if now.Before(due) {
			return nil
		}
		c := l.free[0]
		l.free = l.free[:copy(l.free, l.free[1:])]
		c.due = due
		l.sent++
		n, err := unix.Write(c.fd, l.request)
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		if n < len(l.request) {
			return fmt.Errorf("%d of the %d bytes of a request could be sent", n, len(l.request))
		}
	}
	return nil
}

// receive takes what has come on a connection.
func (l *loop) receive(c *conn) error {
	n, err := unix.Read(c.fd, c.buffer[c.filled:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return fmt.Errorf("a connection was closed after %d bytes of an answer", c.filled)
	}
	c.filled += n
	length, err := answerLength(c.buffer[:c.filled], l.size)
	switch {
	case err != nil:
		return err
	case length == 0, int64(c.filled) < length:
		if c.filled == len(c.buffer) {
			return fmt.Errorf("an answer is longer than %d bytes", answerRoom)
		}
		return nil
	case int64(c.filled) > length:
		return fmt.Errorf("%d bytes more than were asked for", int64(c.filled)-length)
	}
	l.latencies = append(l.latencies, time.Since(c.due))
	c.filled = 0
	l.free = append(l.free, c)
	return nil
}
