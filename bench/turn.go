package main

import (
	"errors"
	"fmt"
	"time"
)

// turn is what one proxy did in one round.
type turn struct {
	cpu         cpuTime
	elapsed     time.Duration
	requests    int64
	bytes       float64
	p99         time.Duration
	rss         int64 // bytes, the highest seen
	connections int   // idle scenario
	grown       int64 // idle scenario: RSS after less RSS before, in bytes
}

func (t turn) perSecond() float64 { return float64(t.requests) / t.elapsed.Seconds() }

var errNothing = errors.New("no request was served")

func perRequest(t turn) (float64, error) {
	if t.requests == 0 {
		return 0, errNothing
	}
	return float64(t.cpu.total().Microseconds()) / float64(t.requests), nil
}

func perGB(t turn) (float64, error) {
	if t.bytes == 0 {
		return 0, errNothing
	}
	return float64(t.cpu.total().Milliseconds()) / (t.bytes / (1 << 30)), nil
}

func perConnection(t turn) (float64, error) {
	if t.connections == 0 {
		return 0, errNothing
	}
	return float64(t.grown) / 1024 / float64(t.connections), nil
}

// wrkTurn loads the peer with wrk for the length of a turn.
func wrkTurn(b *bout) (turn, error) {
	before, err := b.child.cpu()
	if err != nil {
		return turn{}, err
	}
	peak := watchRSS(b.child)
	got, err := b.lab.wrk(b.ctx, b.scenario, b.address, b.length)
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
