package config

// Pool is a set of upstreams: workers that drover starts, addresses, or both.
type Pool struct {
	Command           []string          `yaml:"command"`
	Directory         string            `yaml:"directory"`
	Env               map[string]string `yaml:"env"`
	EnvFile           string            `yaml:"envFile"`
	Transport         string            `yaml:"transport"` // port, socket or auto
	Workers           Count             `yaml:"workers"`
	Upstreams         []Upstream        `yaml:"upstreams"`
	Strategy          string            `yaml:"strategy"`
	HashOn            string            `yaml:"hashOn"` // clientIP, path, header:NAME or cookie:NAME
	Timeouts          PoolTimeouts      `yaml:"timeouts"`
	Retry             Retry             `yaml:"retry"`
	CircuitBreaker    CircuitBreaker    `yaml:"circuitBreaker"`
	Outlier           Outlier           `yaml:"outlier"`
	Queue             Queue             `yaml:"queue"`
	ProcessManagement ProcessManagement `yaml:"processManagement"`
	HealthCheck       HealthCheck       `yaml:"healthCheck"`
}

// Upstream is an address that drover did not start.
type Upstream struct {
	Name    string `yaml:"name"`    // defaults to the address
	Address string `yaml:"address"` // host:port or unix:/path
	Weight  int    `yaml:"weight"`  // 0 to 256; 0 takes nothing new; default 1
}

// PoolTimeouts bound the exchange with an upstream; 0 means no bound.
type PoolTimeouts struct {
	Connect      Duration `yaml:"connect"`
	FirstByte    Duration `yaml:"firstByte"`
	ResponseIdle Duration `yaml:"responseIdle"`
}

// Retry says when a request is sent to another upstream.
type Retry struct {
	Attempts int      `yaml:"attempts"` // counts the first
	On       []string `yaml:"on"`       // connect-failure, refused, reset-before-response, gateway-error
	Budget   Percent  `yaml:"budget"`   // of active requests
	Backoff  Backoff  `yaml:"backoff"`
}

// Backoff is the wait before another attempt: from Initial, doubling to Max.
type Backoff struct {
	Initial Duration `yaml:"initial"`
	Max     Duration `yaml:"max"`
}

// CircuitBreaker refuses an upstream whose failure ratio is too high.
type CircuitBreaker struct {
	Enabled          bool     `yaml:"enabled"`
	FailureRatio     Percent  `yaml:"failureRatio"`
	MinRequests      int      `yaml:"minRequests"`
	Interval         Duration `yaml:"interval"`
	OpenFor          Duration `yaml:"openFor"`
	HalfOpenRequests int      `yaml:"halfOpenRequests"`
}

// Outlier ejects an upstream that fails several times in a row.
type Outlier struct {
	Enabled           bool     `yaml:"enabled"`
	ConsecutiveErrors int      `yaml:"consecutiveErrors"`
	EjectFor          Duration `yaml:"ejectFor"`
	MaxEjectFor       Duration `yaml:"maxEjectFor"`
	MaxEjected        Percent  `yaml:"maxEjected"`
}

// Queue is where requests wait when no upstream can take one.
type Queue struct {
	MaxInFlightPerWorker int      `yaml:"maxInFlightPerWorker"` // 0: no limit
	Length               int      `yaml:"length"`
	Timeout              Duration `yaml:"timeout"`
}

// ProcessManagement is how workers are started, restarted and stopped.
type ProcessManagement struct {
	Respawn                 bool     `yaml:"respawn"`
	MaxRestarts             int      `yaml:"maxRestarts"`
	RestartWindow           Duration `yaml:"restartWindow"`
	RestartDelay            Duration `yaml:"restartDelay"`
	MaxRestartDelay         Duration `yaml:"maxRestartDelay"`
	Ready                   string   `yaml:"ready"` // probe or notify
	StartTimeout            Duration `yaml:"startTimeout"`
	GracefulShutdownTimeout Duration `yaml:"gracefulShutdownTimeout"`
	StopSignal              string   `yaml:"stopSignal"`
	Rolling                 Rolling  `yaml:"rolling"`
}

// Rolling bounds a rolling restart.
type Rolling struct {
	MaxSurge       int `yaml:"maxSurge"`
	MaxUnavailable int `yaml:"maxUnavailable"`
}

// HealthCheck is the active probe of each upstream.
type HealthCheck struct {
	Enabled      bool     `yaml:"enabled"`
	Type         string   `yaml:"type"`     // http, tcp or exec
	Endpoint     string   `yaml:"endpoint"` // empty: GET / with any status below 500
	Command      []string `yaml:"command"`  // for exec
	Interval     Duration `yaml:"interval"`
	Timeout      Duration `yaml:"timeout"`
	MaxFailures  int      `yaml:"maxFailures"`
	MinSuccesses int      `yaml:"minSuccesses"`
	ExpectStatus string   `yaml:"expectStatus"`
	ExpectBody   string   `yaml:"expectBody"`
}
