package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// idleConnections is how many are kept: enough that what a heap rounds to does not matter.
const idleConnections, idleConnectionsQuick = 4000, 400

// idleTurn opens connections, asks once on each and leaves them open; the memory that a peer keeps for
// them is what its RSS grows by. The peer is started anew for each turn: one that had held connections
// before would hide them in memory that it did not give back.
func idleTurn(b *bout) (turn, error) {
	fresh := *b
	p, err := b.lab.peerNamed(b.name)
	if err != nil {
		return turn{}, err
	}
	fresh.scenario.name = fmt.Sprintf("%s-%d", b.scenario.name, time.Now().UnixNano())
	if err := fresh.start(p); err != nil {
		return turn{}, err
	}
	defer fresh.child.stop()
	if _, err := b.lab.wrk(b.ctx, b.scenario, fresh.address, time.Second); err != nil {
		return turn{}, err
	}
	count := idleConnections
	if b.lab.options.quick {
		count = idleConnectionsQuick
	}
	time.Sleep(settle)
	before, start := fresh.child.rss(), time.Now()
	conns := make([]net.Conn, 0, count)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range count {
		c, err := askOnce(fresh.address)
		if err != nil {
			return turn{}, fmt.Errorf("connection %d of %d: %w", len(conns)+1, count, err)
		}
		conns = append(conns, c)
	}
	elapsed := time.Since(start)
	time.Sleep(b.length) // what is parked or collected later counts as it is then
	after := fresh.child.rss()
	return turn{connections: count, grown: after - before, rss: after, requests: int64(count), elapsed: elapsed}, nil
}

// askOnce opens a connection and has one answer on it.
func askOnce(address string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	if err := ask(c, address); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func ask(c net.Conn, address string) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || answer.Close {
		return fmt.Errorf("answer %s, connection closed: %v", answer.Status, answer.Close)
	}
	return nil
}

func (l *lab) peerNamed(name string) (peer, error) {
	for _, p := range peers() {
		if p.name == name {
			return p, nil
		}
	}
	return peer{}, fmt.Errorf("there is no proxy %q", name)
}
