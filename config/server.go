package config

// Server is what faces the clients.
type Server struct {
	// The addresses that clients connect to; at least one.
	Listeners []Listener `yaml:"listeners" reload:"apply"`
	// Networks (CIDR) whose X-Forwarded-* headers are believed; empty believes nobody.
	TrustedProxies []string `yaml:"trustedProxies" reload:"apply"`
	// What a client may make the front wait for; 0 means no bound.
	Timeouts ServerTimeouts `yaml:"timeouts"`
	// What clients may use; 0 means no limit.
	Limits Limits `yaml:"limits"`
}

// Listener is one address that clients connect to.
type Listener struct {
	// The listener's name in logs and metrics; its address unless given.
	Name string `yaml:"name" reload:"apply"`
	// Where to listen: host:port, :port for every address of the machine, or unix:/path.
	Address string `yaml:"address" reload:"apply"`
	// What is spoken: http, or tcp to relay connections as they are.
	Protocol string `yaml:"protocol" enum:"http,tcp" reload:"apply"`
	// The pool that gets the requests that no route takes, or the connections of a tcp listener.
	Pool string `yaml:"pool,omitempty" reload:"apply"`
}

func (l *Listener) setDefaults() { l.Protocol = "http" }

// NetworkAddress returns what net.Listen takes: "tcp" and host:port, or "unix" and the path.
func (l Listener) NetworkAddress() (network, address string) { return splitAddress(l.Address) }

// ServerTimeouts bound what a client may make the front wait for; 0 means no bound.
type ServerTimeouts struct {
	// From the first byte of a request (or the start of a new connection) to the end of its head.
	RequestHeader Duration `yaml:"requestHeader" reload:"apply"`
	// Between two pieces of a request body.
	RequestBodyIdle Duration `yaml:"requestBodyIdle" reload:"apply"`
	// How long an idle connection is kept for the client's next request.
	KeepAlive Duration `yaml:"keepAlive" reload:"apply"`
	// How long a client may take no byte of a response that is waiting for it.
	ResponseWriteIdle Duration `yaml:"responseWriteIdle" reload:"apply"`
	// How long a WebSocket, other upgrade or tcp connection may be silent in both directions.
	TunnelIdle Duration `yaml:"tunnelIdle" reload:"apply"`
	// How long requests and tunnels may go on after drover, a worker or an upstream began to drain.
	Drain Duration `yaml:"drain" reload:"apply"`
}

// Limits bound what clients may use; 0 means no limit.
type Limits struct {
	// Open client connections in all.
	Connections int `yaml:"connections" range:"0..10000000" reload:"apply"`
	// Open connections of one client address.
	ConnectionsPerIP int `yaml:"connectionsPerIP" range:"0..10000000" reload:"apply"`
	// Size of a request's head.
	HeaderBytes Size `yaml:"headerBytes" range:"0..64MB" reload:"apply"`
	// Number of header lines in a request.
	Headers int `yaml:"headers" range:"0..100000" reload:"apply"`
	// Size of a request body; a larger one is answered 413.
	BodyBytes Size `yaml:"bodyBytes" reload:"apply"`
}
