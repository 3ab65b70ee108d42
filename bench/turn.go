package main

import (
	"fmt"
	"time"
)

// turn is what one proxy did in one round.
type turn struct {
	cpu            cpuTime
	workers        cpuTime // of the workers, where they are not proxies that are measured
	elapsed        time.Duration
	requests       int64
	bytes          float64
	p50, p99, p999 time.Duration
	rss            int64   // bytes, the highest seen
	grown          int64   // bytes of it that came with the load
	connections    int     // idle scenario
	few            float64 // upstreams scenario: CPU µs/request at two of them
	connects       int64   // upstreams scenario: connections that somebody on the machine opened meanwhile
}

// wrkTurn loads the peer with wrk for the length of a turn.
func wrkTurn(b *bout) (turn, error) { return b.during(b.wrk) }

// during takes the peer's processor time and memory while it is under load.
func (b *bout) during(load func() (turn, error)) (turn, error) {
	before, err := b.child.cpu()
	if err != nil {
		return turn{}, err
	}
	peak := watchRSS(b.child)
	got, err := load()
	rss := peak()
	if err != nil {
		return turn{}, err
	}
	after, err := b.child.cpu()
	if err != nil {
		return turn{}, fmt.Errorf("%s went away: %w", b.name, err)
	}
	got.cpu, got.rss = after.minus(before), rss
	return got, nil
}
