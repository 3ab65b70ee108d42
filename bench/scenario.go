package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// scenario is one kind of work.
type scenario struct {
	name, about string
	unit        string   // of the cost
	cost        measure  // what one turn cost
	columns     []column // beside it
	goals       []goal   // of drover, from the design
	mode        string   // of the front: http or tcp
	backends    backends
	path        string // what is asked for
	size        int64  // bytes of a body
	connections int
	close       bool                      // a new connection for each request
	rounds      int                       // at most; 0: as many as the flag says
	split       int                       // so many short turns for one: what disturbs one of them does not make the median of p99
	fresh       bool                      // a turn starts its proxy itself
	turn        func(*bout) (turn, error) // one turn of one peer
	warm        func(*bout) (turn, error) // what it is warmed up with; nil: a turn
	before      func(*lab, *results, []*bout) error
	measure     func(*lab, context.Context, scenario) (outcome, error) // in place of turns
	strategy    string                                                 // of balancing; empty: least-connections
	upstreams   int                                                    // how many of backends; 0: all
	against     string                                                 // in place of HAProxy
	workers     int                                                    // of a team, where workers are measured and not proxies
	contests    []contest                                              // what they do
}

// baseline is what the ratios are taken against.
func (s scenario) baseline() string { return cmp.Or(s.against, baseline) }

// rival is the name of that in tables.
func (s scenario) rival() string { return cmp.Or(s.against, "HAProxy") }

// kind is what is measured.
func (s scenario) kind() string {
	if s.contests != nil {
		return "by"
	}
	return "proxy"
}

// allGoals are those of the scenario and of its contests.
func (s scenario) allGoals() []goal {
	all := slices.Clone(s.goals)
	for _, c := range s.contests {
		all = append(all, c.goals...)
	}
	return all
}

// backends are what the proxies forward to.
type backends int

const (
	overTCP  backends = iota // two nginx
	overUnix                 // the same on Unix sockets
	sinks                    // two that read what they are sent
	many                     // the same two nginx under a thousand addresses
)

const (
	smallSize = 119
	sizeOf64k = 64 << 10
	sizeOf10m = 10 << 20
	// sizeOf100m is for the bodies that must not be in memory as a whole.
	sizeOf100m = 100 << 20
)

func scenarios() []scenario {
	return []scenario{
		{name: "tcp", about: "small responses (119 bytes), TCP upstreams, 64 keep-alive connections",
			unit: "CPU µs/request", cost: perRequest, columns: loadColumns(),
			goals: []goal{cpuGoal(0.95, perRequest), p99Goal(), ratioGoal("CPU", "caddy", 0.25, perRequest), ratioGoal("CPU", "httputil", 0.25, perRequest)},
			mode:  "http", path: "/", size: smallSize, connections: 64, split: 3, turn: wrkTurn},
		{name: "unix", about: "small responses, Unix-socket upstreams (haproxy: TCP, as a reference; haproxy-unix: the same socket)",
			unit: "CPU µs/request", cost: perRequest, columns: loadColumns(), goals: []goal{cpuGoal(0.70, perRequest)},
			mode: "http", backends: overUnix, path: "/", size: smallSize, connections: 64, turn: wrkTurn},
		{name: "latency", about: "small responses at half of the rate that HAProxy can serve; a request's time counts from when it was due",
			unit: "p99 in ms", cost: p99, columns: []column{p50Column, p999Column, cpuColumn, cpuAgainst, requestsColumn, rssColumn}, goals: []goal{p99Goal()},
			mode: "http", path: "/", size: smallSize, connections: 64, split: 3, warm: wrkTurn, before: setRate, turn: latencyTurn},
		{name: "64k", about: "bodies of 64 KB, 64 connections",
			unit: "CPU ms/GB", cost: perGB, columns: loadColumns(), goals: []goal{cpuGoal(0.9, perGB), rssGoal()},
			mode: "http", path: "/files/64k", size: sizeOf64k, connections: 64, turn: wrkTurn},
		{name: "10m", about: "bodies of 10 MB, 8 connections",
			unit: "CPU ms/GB", cost: perGB, columns: loadColumns(), goals: []goal{cpuGoal(0.9, perGB), rssGoal()},
			mode: "http", path: "/files/10m", size: sizeOf10m, connections: 8, turn: wrkTurn},
		{name: "upload", about: "request bodies of 10 MB, 8 connections",
			unit: "CPU ms/GB", cost: perGB, columns: loadColumns(), goals: []goal{cpuGoal(0.9, perGB), rssGoal()},
			mode: "http", backends: sinks, path: "/", size: sizeOf10m, connections: 8, turn: uploadTurn},
		{name: "connect", about: "a new connection for each request",
			unit: "CPU µs/request", cost: perRequest, columns: loadColumns(), goals: []goal{cpuGoal(1, perRequest)},
			mode: "http", path: "/", size: smallSize, connections: 64, close: true, turn: wrkTurn},
		{name: "relay", about: "Layer 4: small round trips",
			unit: "CPU µs/round trip", cost: perRequest, columns: loadColumns(), goals: []goal{cpuGoal(1, perRequest)},
			mode: "tcp", path: "/", size: smallSize, connections: 64, turn: wrkTurn},
		{name: "relay-bulk", about: "Layer 4: 10 MB at a time",
			unit: "CPU ms/GB", cost: perGB, columns: loadColumns(), goals: []goal{cpuGoal(0.6, perGB)},
			mode: "tcp", path: "/files/10m", size: sizeOf10m, connections: 8, turn: wrkTurn},
		{name: "relay-connect", about: "Layer 4: a new connection for each round trip",
			unit: "CPU µs/connection", cost: perRequest, columns: loadColumns(), goals: []goal{cpuGoal(1, perRequest)},
			mode: "tcp", path: "/", size: smallSize, connections: 64, close: true, turn: wrkTurn},
		{name: "idle", about: "memory of 8,000 idle keep-alive connections that served one request",
			unit: "KB/connection", cost: perConnection, columns: []column{rssColumn}, goals: []goal{bound("memory", "KB/connection", 8, perConnection)},
			mode: "http", path: "/", size: smallSize, connections: 64, rounds: 1, fresh: true, turn: idleTurn},
		{name: "memory-down", about: "memory while 64 connections fetch 100 MB each at the same time",
			unit: "peak RSS in MB", cost: megabytes, columns: memoryColumns(), goals: []goal{rssGoal()},
			mode: "http", path: "/files/100m", size: sizeOf100m, connections: 64, rounds: 1, fresh: true, turn: memoryTurn},
		{name: "memory-up", about: "memory while 64 connections send 100 MB each at the same time",
			unit: "peak RSS in MB", cost: megabytes, columns: memoryColumns(), goals: []goal{rssGoal()},
			mode: "http", backends: sinks, path: "/", size: sizeOf100m, connections: 64, rounds: 1, fresh: true, turn: memoryTurn},
		{name: "upstreams", about: "small responses, 2 and 1,000 upstreams, each strategy beside the nearest that others have",
			unit: "CPU µs/request at 1,000", cost: perRequest, columns: upstreamsColumns(),
			mode: "http", backends: many, path: "/", size: smallSize, connections: 64, rounds: 2, fresh: true, turn: upstreamsTurn, measure: measureUpstreams},
		{name: "pick", about: "the choice of an upstream alone: Go's benchmark of strategy.Pick",
			unit: "ns", goals: []goal{pickTime, pickAllocations}, measure: measurePick},
		{name: "ipc", about: "requests between two Node.js workers, through drover and through the primary of Node's cluster; nothing is pinned to a core",
			unit: "µs/request", cost: perOperation, columns: contestColumns(), against: "node-cluster", workers: 2, contests: requestContests(), measure: measureContests},
		{name: "broadcast", about: "a message to 16 Node.js workers, until the sender knows that all have it; nothing is pinned to a core",
			unit: "µs/broadcast", cost: perOperation, columns: contestColumns(), against: "node-cluster", workers: 17, contests: broadcastContests(), measure: measureContests},
		{name: "cache", about: "the shared cache, from two Node.js workers at the same time (the time of an operation is that of both together); Redis over a Unix socket by npm's redis; nothing is pinned to a core",
			unit: "µs/operation", cost: perOperation, columns: contestColumns(), against: "redis", workers: 2, contests: cacheContests(), measure: measureContests},
	}
}

func requestContests() []contest {
	ask := job{Op: "request", InFlight: 1}
	many := ask
	many.InFlight = 64
	return []contest{
		{name: "one at a time", job: ask, workers: 1, goals: []goal{ratioGoal("p50, one at a time", "node-cluster", 1.2, p50)}},
		{name: "64 in flight", job: many, workers: 1},
	}
}

func broadcastContests() []contest {
	tell := job{Op: "broadcast", InFlight: 1}
	many := tell
	many.InFlight = 16
	return []contest{{name: "one at a time", job: tell, workers: 1}, {name: "16 in flight", job: many, workers: 1}}
}

func cacheContests() []contest {
	of := func(name string, j job, goals ...goal) contest {
		return contest{name: name, job: j, workers: 2, goals: goals}
	}
	var all []contest
	for _, bytes := range []int{100, 1000} {
		for _, inFlight := range []int{1, 64} {
			name := fmt.Sprintf("get, %d bytes, %d in flight each", bytes, inFlight)
			all = append(all, of(name, job{Op: "get", InFlight: inFlight, Bytes: bytes}, ratioGoal("time per "+name, "redis", 1, perOperation)))
		}
	}
	return append(all,
		of("get, 100 bytes, 64 in flight each, near copies", job{Op: "get", InFlight: 64, Bytes: 100, Near: true}),
		of("set, 100 bytes, 64 in flight each", job{Op: "set", InFlight: 64, Bytes: 100}))
}

// turns are how many each peer has and how long one is.
func (s scenario) turns(o options) (rounds int, length time.Duration) {
	rounds, length = o.rounds, o.turn
	if s.rounds > 0 {
		rounds = min(rounds, s.rounds)
	}
	if s.split > 0 && !o.quick {
		rounds, length = rounds*s.split, max(length/time.Duration(s.split), time.Second)
	}
	return rounds, length
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}
