package config

// Server is what faces the clients.
type Server struct {
	Listeners      []Listener     `yaml:"listeners"`
	TrustedProxies []string       `yaml:"trustedProxies"`
	Timeouts       ServerTimeouts `yaml:"timeouts"`
	Limits         Limits         `yaml:"limits"`
}

// Listener is one address that clients connect to.
type Listener struct {
	Name     string `yaml:"name"`     // defaults to Address; the metric label
	Address  string `yaml:"address"`  // host:port, :port or unix:/path
	Protocol string `yaml:"protocol"` // http or tcp
	Pool     string `yaml:"pool"`     // where requests go that no route takes; may be empty
}

// ServerTimeouts bound what a client may make the front wait for; 0 means no bound.
type ServerTimeouts struct {
	RequestHeader     Duration `yaml:"requestHeader"`
	RequestBodyIdle   Duration `yaml:"requestBodyIdle"`
	KeepAlive         Duration `yaml:"keepAlive"`
	ResponseWriteIdle Duration `yaml:"responseWriteIdle"`
	TunnelIdle        Duration `yaml:"tunnelIdle"`
	Drain             Duration `yaml:"drain"`
}

// Limits bound what clients may use; 0 means no limit.
type Limits struct {
	Connections      int  `yaml:"connections"`
	ConnectionsPerIP int  `yaml:"connectionsPerIP"`
	HeaderBytes      Size `yaml:"headerBytes"`
	Headers          int  `yaml:"headers"`
	BodyBytes        Size `yaml:"bodyBytes"`
}
