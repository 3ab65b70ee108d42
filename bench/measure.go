package main

import (
	"errors"
	"time"
)

// measure finds a number in a turn. The error says why there is none.
type measure func(turn) (float64, error)

var errNothing = errors.New("nothing was served")

// over divides, and has no answer where there was no work.
func over(cost, work float64) (float64, error) {
	if work <= 0 {
		return 0, errNothing
	}
	return cost / work, nil
}

func perRequest(t turn) (float64, error) {
	return over(float64(t.cpu.total().Microseconds()), float64(t.requests))
}

// perOperation is the time that each takes on the average, in microseconds.
func perOperation(t turn) (float64, error) {
	return over(float64(t.elapsed)/float64(time.Microsecond), float64(t.requests))
}

func workersPerOperation(t turn) (float64, error) {
	return over(float64(t.workers.total().Microseconds()), float64(t.requests))
}

func perGB(t turn) (float64, error) {
	return over(float64(t.cpu.total().Milliseconds()), t.bytes/(1<<30))
}

func perConnection(t turn) (float64, error) {
	return over(float64(t.grown)/1024, float64(t.connections))
}

func userShare(t turn) (float64, error) {
	return over(100*float64(t.cpu.user), float64(t.cpu.total()))
}

func perSecond(t turn) (float64, error) { return over(float64(t.requests), t.elapsed.Seconds()) }

func throughput(t turn) (float64, error) { return over(t.bytes/(1<<20), t.elapsed.Seconds()) }

func p50(t turn) (float64, error) { return inMilliseconds(t.p50) }

func p99(t turn) (float64, error) { return inMilliseconds(t.p99) }

func p999(t turn) (float64, error) { return inMilliseconds(t.p999) }

func inMilliseconds(d time.Duration) (float64, error) {
	if d == 0 {
		return 0, errNothing
	}
	return float64(d) / float64(time.Millisecond), nil
}

func megabytes(t turn) (float64, error) {
	if t.rss == 0 {
		return 0, errNothing
	}
	return float64(t.rss) / (1 << 20), nil
}
