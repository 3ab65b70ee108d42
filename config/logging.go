package config

// AccessLog is the log of requests, one line each.
type AccessLog struct {
	Enabled bool     `yaml:"enabled"`
	Sample  float64  `yaml:"sample"`  // share of successful requests that is logged, 0 to 1; others always are
	Exclude []string `yaml:"exclude"` // path prefixes that are not logged when the request succeeded
}

// LogFile is one file that log lines go to, in place of standard error.
type LogFile struct {
	Path     string   `yaml:"path"`
	MaxSize  Size     `yaml:"maxSize"`  // rotated when it grows beyond; default 100MB
	MaxAge   Duration `yaml:"maxAge"`   // rotated files older than this are removed; 0 keeps them
	MaxFiles int      `yaml:"maxFiles"` // rotated files that are kept; default 5
}
