package config

// Config is the whole settings file.
type Config struct {
	// What faces the clients.
	Server Server `yaml:"server"`
	// Which requests go to which pool; the first route that matches wins, then the listener's pool, then 404.
	Routes []Route `yaml:"routes" reload:"apply"`
	// The pools by name: lower-case letters, digits, "-" and "_", at most 40.
	Pools map[string]*Pool `yaml:"pools" reload:"apply"`
	// What workers may say to each other.
	IPC IPC `yaml:"ipc"`
	// The memory that all workers share.
	Cache Cache `yaml:"cache"`
	// How processes are measured.
	Monitoring Monitoring `yaml:"monitoring"`
	// Where log lines go, and which.
	Logging Logging `yaml:"logging"`
	// The operators' surface: HTTP API, metrics, health.
	Admin Admin `yaml:"admin"`

	origin *origin
}
