package config

// Monitoring is how processes are measured.
type Monitoring struct {
	// How often CPU, memory and descriptors of workers are read.
	SampleInterval Duration `yaml:"sampleInterval" range:"10ms..1h" reload:"apply"`
}

// Admin is the operators' surface.
type Admin struct {
	// Where the admin API listens, host:port; empty for none.
	Address string `yaml:"address" reload:"restart"`
	// The Unix socket of the admin API: auto, a path, or empty for none.
	Socket string `yaml:"socket" reload:"restart"`
	// Host names that the admin API may be asked by, beside localhost, loopback and its own address.
	AllowedHosts []string `yaml:"allowedHosts" reload:"apply"`
	// Whether profiles of drover itself can be taken, at /debug/pprof/.
	Profiler bool `yaml:"profiler" reload:"apply"`
	// Who may use the admin API; empty serves the Unix socket and loopback in full, and nobody else.
	Tokens []Token `yaml:"tokens" reload:"apply"`
}

// Token lets its bearer in as Role. Exactly one of the three ways to name it is set.
type Token struct {
	// Who the token was given to; for logs.
	Name string `yaml:"name" reload:"apply"`
	// viewer reads, operator also changes.
	Role string `yaml:"role" enum:"viewer,operator" reload:"apply"`
	// The token itself, best from the environment: "${OPS_TOKEN}".
	Token string `yaml:"token,omitempty" reload:"apply"`
	// A file that holds the token.
	TokenFile string `yaml:"tokenFile,omitempty" reload:"apply"`
	// The SHA-256 of the token, 64 hexadecimal digits.
	TokenSHA256 string `yaml:"tokenSHA256,omitempty" reload:"apply"`
}
