package main

// scenario is one kind of work.
type scenario struct {
	name, about string
	unit        string                      // of the cost
	mode        string                      // of the front: http or tcp
	unix        bool                        // backends on Unix sockets
	path        string                      // what wrk asks for
	connections int                         // wrk's
	close       bool                        // a new connection for each request
	cost        func(turn) (float64, error) // what one turn cost, in unit
	turn        func(*bout) (turn, error)   // one turn of one peer; nil: wrk
	goal        float64                     // × HAProxy, from the design; 0: none
	bulk        bool                        // RSS while streaming is of interest
}

func scenarios() []scenario {
	return []scenario{
		{name: "tcp", about: "small responses (119 bytes), TCP upstreams, 64 keep-alive connections",
			unit: "CPU µs/request", mode: "http", path: "/", connections: 64, cost: perRequest, goal: 0.95},
		{name: "unix", about: "small responses, Unix-socket upstreams (haproxy: TCP, as a reference; haproxy-unix: the same socket)",
			unit: "CPU µs/request", mode: "http", unix: true, path: "/", connections: 64, cost: perRequest, goal: 0.70},
		{name: "64k", about: "bodies of 64 KB, 64 connections",
			unit: "CPU ms/GB", mode: "http", path: "/files/64k", connections: 64, cost: perGB, goal: 0.9, bulk: true},
		{name: "10m", about: "bodies of 10 MB, 8 connections",
			unit: "CPU ms/GB", mode: "http", path: "/files/10m", connections: 8, cost: perGB, goal: 0.9, bulk: true},
		{name: "connect", about: "a new connection for each request",
			unit: "CPU µs/request", mode: "http", path: "/", connections: 64, close: true, cost: perRequest, goal: 1.0},
		{name: "relay", about: "Layer 4: small round trips",
			unit: "CPU µs/round trip", mode: "tcp", path: "/", connections: 64, cost: perRequest, goal: 1.0},
		{name: "relay-bulk", about: "Layer 4: 10 MB at a time",
			unit: "CPU ms/GB", mode: "tcp", path: "/files/10m", connections: 8, cost: perGB, goal: 0.6, bulk: true},
		{name: "relay-connect", about: "Layer 4: a new connection for each round trip",
			unit: "CPU µs/connection", mode: "tcp", path: "/", connections: 64, close: true, cost: perRequest, goal: 1.0},
		{name: "idle", about: "memory of idle keep-alive connections that served one request",
			unit: "KB/connection", mode: "http", path: "/", connections: 64, cost: perConnection, turn: idleTurn},
	}
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}
