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
const idleConnections, idleConnectionsQuick = 8000, 400

// idleTurn opens connections, asks once on each and leaves them open; the memory that a peer keeps for
// them is what its RSS grows by. The peer is started anew for each turn: one that had held connections
// before would hide them in memory that it did not give back.
func idleTurn(b *bout) (turn, error) {
	count := idleConnections
	if b.lab.options.quick {
		count = idleConnectionsQuick
	}
	return b.anew(func(b *bout) (turn, error) {
		if err := b.warmUp(wrkTurn); err != nil {
			return turn{}, err
		}
		time.Sleep(settle)
		before, start := b.child.rss(), time.Now()
		conns := make([]net.Conn, 0, count)
		defer func() {
			for _, c := range conns {
				_ = c.Close()
			}
		}()
		for range count {
			c, err := askOnce(b.address)
			if err != nil {
				return turn{}, fmt.Errorf("connection %d of %d: %w", len(conns)+1, count, err)
			}
			conns = append(conns, c)
		}
		elapsed := time.Since(start)
		time.Sleep(b.length) // what is parked or collected later counts as it is then
		after := b.child.rss()
		return turn{connections: count, grown: after - before, rss: after, requests: int64(count), elapsed: elapsed}, nil
	})
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
