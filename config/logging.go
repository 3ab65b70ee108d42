package config

// Logging is where log lines go and which.
type Logging struct {
	// The least serious level that is logged.
	Level string `yaml:"level" enum:"info,debug,warn,error" reload:"apply"`
	// json, console (for people) or auto: console on a terminal, json elsewhere.
	Format string `yaml:"format" enum:"auto,json,console" reload:"apply"`
	// Levels of single components, as in supervisor: debug.
	Levels map[string]string `yaml:"levels" enum:"info,debug,warn,error" reload:"apply"`
	// The log of requests, one line each.
	AccessLog AccessLog `yaml:"accessLog"`
	// Files that log lines go to, in place of standard error.
	Files []LogFile `yaml:"files" reload:"apply"`
}

// AccessLog is the log of requests, one line each.
type AccessLog struct {
	// Whether requests are logged.
	Enabled bool `yaml:"enabled" reload:"apply"`
	// The share of successful requests that is logged, 0 to 1; others always are.
	Sample float64 `yaml:"sample" range:"0..1" reload:"apply"`
	// Path prefixes that are not logged when the request succeeded.
	Exclude []string `yaml:"exclude" reload:"apply"`
}

// LogFile is one file that log lines go to, in place of standard error.
type LogFile struct {
	// The file, relative to the folder drover was started in.
	Path string `yaml:"path" reload:"apply"`
	// The size beyond which the file is rotated.
	MaxSize Size `yaml:"maxSize" range:"1KB..1TB" reload:"apply"`
	// The age beyond which rotated files are removed; 0 keeps them.
	MaxAge Duration `yaml:"maxAge" reload:"apply"`
	// How many rotated files are kept.
	MaxFiles int `yaml:"maxFiles" range:"1..100000" reload:"apply"`
}

func (f *LogFile) setDefaults() { f.MaxSize, f.MaxFiles = 100*megabyte, 5 }
