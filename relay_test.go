package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tcpUpstream accepts connections and hands each to the test's function.
func tcpUpstream(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	return l.Addr().String()
}

const relaySettings = `
server:
  listeners: [ { name: raw, address: "${FRONT}", protocol: tcp, pool: raw } ]
pools:
  raw:
    upstreams: [ { name: one, address: "${UPSTREAM}" }, { name: dead, address: "${DEAD}" } ]
    healthCheck: { enabled: false }
admin: { address: "${ADMIN}" }
`

func relay(t *testing.T, serve func(*net.TCPConn)) *instance {
	t.Helper()
	d := newInstance(t)
	d.setenv("UPSTREAM", tcpUpstream(t, serve))
	nobody := listen(t)
	d.setenv("DEAD", nobody.Addr().String())
	_ = nobody.Close() // from here on nobody listens there
	return d.run(relaySettings)
}

func (d *instance) dialFront() *net.TCPConn {
	d.t.Helper()
	c, err := net.Dial("tcp", d.front)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		d.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

func TestRelay_HalfCloseByTheClient(t *testing.T) {
	t.Parallel()
	// The server answers only when it has seen the end of what the client sends.
	d := relay(t, func(c *net.TCPConn) {
		all, err := io.ReadAll(c)
		if err == nil {
			_, _ = fmt.Fprintf(c, "%d bytes, sum %x", len(all), sum(all)) // the client reports what is missing
		}
	})
	// Half of the picks meet the dead upstream; each must end with the other one.
	for n := range 10 {
		c := d.dialFront()
		sent := []byte(strings.Repeat("0123456789", 100_000*(n%2)+1))
		if _, err := c.Write(sent); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if want := fmt.Sprintf("%d bytes, sum %x", len(sent), sum(sent)); err != nil || string(got) != want {
			t.Errorf("connection %d: got %q, %v; want %q", n, got, err, want)
		}
	}
}

func TestRelay_HalfCloseByTheServer(t *testing.T) {
	t.Parallel()
	received := make(chan string, 1)
	d := relay(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, "I am done") // the client reports what is missing
		_ = c.CloseWrite()
		all, err := io.ReadAll(c)
		received <- fmt.Sprintf("%s %v", all, err)
	})
	c := d.dialFront()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "I am done" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := io.WriteString(c, "and I go on"); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-received:
		if got != "and I go on <nil>" {
			t.Errorf("the server received %q", got)
		}
	case <-time.After(patience):
		t.Error("the server did not see the end")
	}
}

func TestRelay_WorkersAreReplacedBehindIt(t *testing.T) {
	t.Parallel()
	d := runGoServers(t, strings.Replace(journalSettings, `address: "${FRONT}", pool`, `address: "${FRONT}", protocol: tcp, pool`, 1))
	d.waitRunning(4)
	d.answers("GET", "/", "", "go-server")
	for _, w := range d.workers()[:2] {
		if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		// What its kernel accepted for it before it died is reset, which a relay cannot mend.
		d.eventually(w.ID+" is gone", func() error {
			if err := syscall.Kill(w.PID, 0); err == nil {
				return errors.New("it is there")
			}
			return nil
		})
	}
	// A new connection is dialled to another worker when the first refuses.
	for range 20 {
		d.answers("GET", "/", "", "go-server")
	}
	d.waitRunning(4)
}
