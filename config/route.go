package config

// Route sends the requests that match to a pool; the first match wins.
type Route struct {
	// Which requests this route takes; what is left out matches everything.
	Match Match `yaml:"match"`
	// The pool that gets the requests.
	Pool string `yaml:"pool" reload:"apply"`
	// Taken from the front of the path before the request is sent; a whole number of segments of match.path.
	StripPrefix string `yaml:"stripPrefix" reload:"apply"`
	// Timeouts in place of the pool's.
	Timeouts RouteTimeouts `yaml:"timeouts"`
	// Changes to headers.
	Headers HeaderEdits `yaml:"headers"`
}

// Match says which requests a route takes; what is empty matches everything.
type Match struct {
	// The host asked for, exact or *.example.com; case and port do not matter.
	Host string `yaml:"host" reload:"apply"`
	// A prefix of the path on segment borders: /v1/ takes /v1 and /v1/x, not /v10.
	Path string `yaml:"path" reload:"apply"`
	// The methods taken, in capitals; empty takes all.
	Methods []string `yaml:"methods" reload:"apply"`
	// Headers that must be present with exactly this value.
	Headers map[string]string `yaml:"headers" reload:"apply"`
}

// RouteTimeouts override the pool's; a nil one does not.
type RouteTimeouts struct {
	// In place of the pool's timeouts.firstByte.
	FirstByte *Duration `yaml:"firstByte" reload:"apply"`
	// In place of the pool's timeouts.responseIdle.
	ResponseIdle *Duration `yaml:"responseIdle" reload:"apply"`
	// The whole exchange, retries and waiting included; 0 means no bound.
	Total Duration `yaml:"total" reload:"apply"`
}

// HeaderEdits change headers on the way to the upstream and back.
type HeaderEdits struct {
	// Changes on the way to the upstream.
	Request HeaderEdit `yaml:"request"`
	// Changes on the way back to the client.
	Response HeaderEdit `yaml:"response"`
}

// HeaderEdit removes, then sets (each set replaces all lines of that name).
type HeaderEdit struct {
	// Headers that are set; each replaces every line of that name.
	Set map[string]string `yaml:"set" reload:"apply"`
	// Headers that are removed, before others are set.
	Remove []string `yaml:"remove" reload:"apply"`
}
