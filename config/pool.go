package config

// Pool is a set of upstreams: workers that drover starts, addresses, or both.
type Pool struct {
	// The program that is started as a worker, one list item per argument; ${PORT}, ${SOCKET}, ${SLOT} and ${DROVER} are filled in for each worker.
	Command []string `yaml:"command" reload:"roll"`
	// The folder the command runs in, relative to the folder drover was started in.
	Directory string `yaml:"directory" reload:"roll"`
	// Environment variables of the workers, beside those that drover itself was started with.
	Env map[string]string `yaml:"env" reload:"roll"`
	// A file of KEY=VALUE lines with more of them; env wins where both name a variable.
	EnvFile string `yaml:"envFile" reload:"roll"`
	// How workers are reached: port is a free port in PORT, socket a Unix socket in SOCKET; auto offers both and takes the one that the worker listens on, and moves servers of Node.js and Bun to the socket.
	Transport string `yaml:"transport" enum:"auto,port,socket" reload:"roll"`
	// How many workers run, 0 to 1024; auto is one per CPU that drover may use.
	Workers Count `yaml:"workers" range:"0..1024" reload:"apply"`
	// Addresses that requests are sent to beside the workers, or in place of them.
	Upstreams []Upstream `yaml:"upstreams" reload:"apply"`
	// How the upstream of a request is chosen.
	Strategy string `yaml:"strategy" enum:"least-connections,round-robin,weighted-round-robin,health-aware,random,power-of-two,least-response-time,consistent-hash" reload:"apply"`
	// What consistent-hash keeps together: clientIP, path, header:NAME or cookie:NAME.
	HashOn string `yaml:"hashOn" reload:"apply"`
	// Keeps a client with the upstream that answered it first, by a cookie.
	Sticky Sticky `yaml:"sticky"`
	// Bounds of the exchange with an upstream; 0 means no bound.
	Timeouts PoolTimeouts `yaml:"timeouts"`
	// When a request is sent to another upstream.
	Retry Retry `yaml:"retry"`
	// Refuses an upstream whose share of failures is too high.
	CircuitBreaker CircuitBreaker `yaml:"circuitBreaker"`
	// Ejects an upstream that fails several times in a row.
	Outlier Outlier `yaml:"outlier"`
	// How long the share of an upstream that has become healthy grows to its full one; 0 gives it all at once.
	SlowStart Duration `yaml:"slowStart" range:"0s..24h" reload:"apply"`
	// Where requests wait when no upstream can take one.
	Queue Queue `yaml:"queue"`
	// What requests get that no upstream of the pool can take.
	Fallback Fallback `yaml:"fallback"`
	// How workers are started, restarted and stopped.
	ProcessManagement ProcessManagement `yaml:"processManagement"`
	// The active probe of each upstream.
	HealthCheck HealthCheck `yaml:"healthCheck"`
	// What each worker may use; 0 means no limit.
	Resources Resources `yaml:"resources"`
	// Whether and how the number of workers follows the load.
	AutoScaling AutoScaling `yaml:"autoScaling"`
	// What workers are kept from.
	Security Security `yaml:"security"`

	// Background says that nothing sends requests to the pool: it has workers, and
	// no listener, route, fallback or entry of cache.warm names it. It follows
	// from the settings and is not one of them.
	Background bool

	// envFileSum is a hash of what envFile held when the settings were read,
	// so that Compare, which reads nothing, sees that it changed.
	envFileSum [32]byte
}

// MustListen reports whether a worker of the pool is of use only where it
// listens, be it for requests or for its health check.
func (p *Pool) MustListen() bool {
	h := p.HealthCheck
	return !p.Background || h.Enabled && (h.Type == "http" || h.Type == "tcp")
}

func (p *Pool) setDefaults() { *p = *DefaultPool() }

// Upstream is an address that drover did not start.
type Upstream struct {
	// The upstream's name in logs, metrics and commands; its address unless given.
	Name string `yaml:"name" reload:"apply"`
	// Where it listens: host:port or unix:/path.
	Address string `yaml:"address" reload:"apply"`
	// Its share under the weighted strategies, 0 to 256; 0 takes nothing new.
	Weight int `yaml:"weight" range:"0..256" reload:"apply"`
}

func (u *Upstream) setDefaults() { u.Weight = 1 }

// NetworkAddress returns what net.Dial takes: "tcp" and host:port, or "unix" and the path.
func (u Upstream) NetworkAddress() (network, address string) { return splitAddress(u.Address) }

// Sticky keeps a client with an upstream, by a signed cookie of drover's own.
type Sticky struct {
	// The name of the cookie; empty switches it off.
	Cookie string `yaml:"cookie" reload:"apply"`
	// How long a client stays; the cookie is renewed when half of it has passed.
	TTL Duration `yaml:"ttl" range:"1s..87600h" reload:"apply"`
}

// PoolTimeouts bound the exchange with an upstream; 0 means no bound.
type PoolTimeouts struct {
	// To connect.
	Connect Duration `yaml:"connect" reload:"apply"`
	// From the end of the request to the first byte of the response.
	FirstByte Duration `yaml:"firstByte" reload:"apply"`
	// Between two pieces of a response.
	ResponseIdle Duration `yaml:"responseIdle" reload:"apply"`
}

// Retry says when a request is sent to another upstream.
type Retry struct {
	// How often a request is tried in all; 1 never retries.
	Attempts int `yaml:"attempts" range:"1..100" reload:"apply"`
	// What is retried. connect-failure and refused: any method, since nothing was sent. reset-before-response and gateway-error: where the request may be repeated.
	On []string `yaml:"on" enum:"connect-failure,refused,reset-before-response,gateway-error" reload:"apply"`
	// Retries at one time, as a share of the requests in flight.
	Budget Percent `yaml:"budget" reload:"apply"`
	// The wait before another attempt.
	Backoff Backoff `yaml:"backoff"`
}

// Backoff is the wait before another attempt: from Initial, doubling to Max.
type Backoff struct {
	// The wait before the second attempt; it doubles with each further one.
	Initial Duration `yaml:"initial" reload:"apply"`
	// The longest wait.
	Max Duration `yaml:"max" reload:"apply"`
}

// CircuitBreaker refuses an upstream whose failure ratio is too high.
type CircuitBreaker struct {
	// Whether there is a breaker.
	Enabled bool `yaml:"enabled" reload:"apply"`
	// The share of failed requests that opens it.
	FailureRatio Percent `yaml:"failureRatio" range:"0.1%..100%" reload:"apply"`
	// Fewer requests than this within the interval never open it.
	MinRequests int `yaml:"minRequests" range:"1..1000000" reload:"apply"`
	// The time over which requests are counted.
	Interval Duration `yaml:"interval" range:"1ms..24h" reload:"apply"`
	// How long it stays open before some requests try again.
	OpenFor Duration `yaml:"openFor" range:"1ms..24h" reload:"apply"`
	// How many requests try, and must succeed to close it.
	HalfOpenRequests int `yaml:"halfOpenRequests" range:"1..1000000" reload:"apply"`
}

// Outlier ejects an upstream that fails several times in a row.
type Outlier struct {
	// Whether upstreams are ejected.
	Enabled bool `yaml:"enabled" reload:"apply"`
	// Errors in a row that eject.
	ConsecutiveErrors int `yaml:"consecutiveErrors" range:"1..1000000" reload:"apply"`
	// How long the first ejection lasts; each further one lasts longer.
	EjectFor Duration `yaml:"ejectFor" range:"1ms..24h" reload:"apply"`
	// The longest ejection.
	MaxEjectFor Duration `yaml:"maxEjectFor" range:"1ms..24h" reload:"apply"`
	// The share of the pool that may be ejected at one time; never the last upstream.
	MaxEjected Percent `yaml:"maxEjected" reload:"apply"`
}

// Queue is where requests wait when no upstream can take one.
type Queue struct {
	// Requests that one worker or upstream is given at a time; 0 means no limit.
	MaxInFlightPerWorker int `yaml:"maxInFlightPerWorker" range:"0..1000000" reload:"apply"`
	// Requests that may wait; one more is answered 503.
	Length int `yaml:"length" range:"0..1000000" reload:"apply"`
	// How long a request may wait before it is answered 503.
	Timeout Duration `yaml:"timeout" reload:"apply"`
}

// Fallback is what requests get that no upstream of the pool can take: another
// pool, or an answer that is always the same.
type Fallback struct {
	// The pool that gets them instead; its own fallback is not asked.
	Pool string `yaml:"pool" reload:"apply"`
	// The status they are answered with; 0 is none.
	Status int `yaml:"status" range:"0..599" reload:"apply"`
	// The body of that answer.
	Body string `yaml:"body" reload:"apply"`
	// The Content-Type of that answer.
	ContentType string `yaml:"contentType" reload:"apply"`
}

// Enabled reports whether there is a fallback.
func (f Fallback) Enabled() bool { return f.Pool != "" || f.Status != 0 }
