package config

// Route sends the requests that match to a pool; the first match wins.
type Route struct {
	Match       Match         `yaml:"match"`
	Pool        string        `yaml:"pool"`
	StripPrefix string        `yaml:"stripPrefix"`
	Timeouts    RouteTimeouts `yaml:"timeouts"`
	Headers     HeaderEdits   `yaml:"headers"`
}

// Match says which requests a route takes; what is empty matches everything.
type Match struct {
	Host    string            `yaml:"host"` // exact or *.example.com
	Path    string            `yaml:"path"` // a prefix on segment borders
	Methods []string          `yaml:"methods"`
	Headers map[string]string `yaml:"headers"` // each must be present with exactly this value
}

// RouteTimeouts override the pool's; a nil one does not.
type RouteTimeouts struct {
	FirstByte    *Duration `yaml:"firstByte"`
	ResponseIdle *Duration `yaml:"responseIdle"`
	Total        Duration  `yaml:"total"` // 0: no bound
}

// HeaderEdits change headers on the way to the upstream and back.
type HeaderEdits struct {
	Request  HeaderEdit `yaml:"request"`
	Response HeaderEdit `yaml:"response"`
}

// HeaderEdit removes, then sets (each set replaces all lines of that name).
type HeaderEdit struct {
	Set    map[string]string `yaml:"set"`
	Remove []string          `yaml:"remove"`
}
